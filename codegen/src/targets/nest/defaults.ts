import { selectorOf } from '../../forms/discriminate.ts';
import { type Form, children, followRef, isBareReference, isHidden, partsOf } from '../../forms/form.ts';
import type { Contract, Schema } from '../../ir/index.ts';
import { Scope, pascalCase } from '../../plan/names.ts';
import type { Plan } from '../../plan/plan.ts';
import { literal, member, quote } from '../../print/text.ts';

/** Names a validator that tells alternatives apart. */
type ValidatorName = (schema: Schema, name: string) => string;

/**
 * Prints functions that put defaults where a valid value lacks them. AJV could do it while validating, but then a default
 * of an alternative that does not match would stay behind, and one beside `$ref` or inside `oneOf` would be ignored.
 */
export class Defaults {
  readonly #contract: Contract;
  readonly #plan: Plan;
  readonly #form: Form;
  readonly #validator: ValidatorName;
  readonly #scope = new Scope();
  readonly #functions = new Map<string, string>();
  readonly #named = new Map<string, string>();

  constructor(contract: Contract, plan: Plan, form: Form, validator: ValidatorName) {
    this.#contract = contract;
    this.#plan = plan;
    this.#form = form;
    this.#validator = validator;
  }

  get isEmpty(): boolean {
    return this.#functions.size === 0;
  }

  /** Name of the function for a schema; `undefined` when it has no defaults inside. */
  use(schema: Schema, name: string): string | undefined {
    if (this.#form === 'response' || !this.#hasDefaults(schema)) return undefined;
    if (!isBareReference(schema) || schema.ref === undefined) return this.#define(schema, name);
    const known = this.#named.get(schema.ref);
    if (known !== undefined) return known;
    const target = this.#plan.schemas.get(schema.ref)!;
    return this.#define(target.schema.schema, target.typeName, schema.ref);
  }

  /** For an object that is described property by property, such as the parameters of one location. */
  useProperties(properties: readonly { name: string; schema: Schema }[], name: string): string | undefined {
    const lines = properties.flatMap((property) => this.#printProperty(property.name, property.schema, name));
    if (lines.length === 0) return undefined;
    const claimed = this.#scope.claim(`fill${pascalCase(name)}`);
    this.#functions.set(claimed, printFunction(claimed, ['if (!isObject(value)) return;', ...lines]));
    return claimed;
  }

  #define(schema: Schema, name: string, pointer?: string): string {
    const claimed = this.#scope.claim(`fill${pascalCase(name)}`);
    if (pointer !== undefined) this.#named.set(pointer, claimed);
    this.#functions.set(claimed, '');
    this.#functions.set(claimed, printFunction(claimed, this.#printBody(schema, name)));
    return claimed;
  }

  #printBody(schema: Schema, name: string): readonly string[] {
    const parts = partsOf(this.#contract, schema);
    const properties = parts.flatMap((part) => part.properties);
    const visible = properties.filter((property) => !isHidden(this.#contract, property, this.#form));
    const fills = visible.flatMap((property) => this.#printProperty(property.name, property.schema, name));
    const values = parts.flatMap((part) => [
      ...(part.additionalProperties ? [part.additionalProperties] : []),
      ...part.patternProperties.map((entry) => entry.schema),
    ]);
    const others = values.flatMap((value) => this.use(value, `${name} Value`) ?? []);
    const known = literal(visible.map((property) => property.name));
    const items = parts.flatMap((part) => (part.items ? [this.use(part.items, `${name} Item`)] : []));
    return [
      ...parts.flatMap((part) => this.#printAlternatives(part, name)),
      ...items.flatMap((fill) => (fill ? [`if (Array.isArray(value)) value.forEach((item) => ${fill}(item));`] : [])),
      ...(fills.length + others.length > 0 ? ['if (!isObject(value)) return;'] : []),
      ...fills,
      ...others.map(
        (fill) => `for (const key of Object.keys(value)) if (!${known}.includes(key)) ${fill}(value[key]);`,
      ),
    ];
  }

  #printProperty(key: string, schema: Schema, name: string): readonly string[] {
    const place = member('value', key);
    const filled = schema.default ?? followRef(this.#contract, schema).default;
    const fill = this.use(schema, `${name} ${key}`);
    const absent = key in Object.prototype ? `!Object.hasOwn(value, ${quote(key)})` : `${place} === undefined`;
    return [
      ...(filled ? [`if (${absent}) ${place} = ${literal(filled.value)};`] : []),
      ...(fill ? [`${fill}(${place});`] : []),
    ];
  }

  #printAlternatives(part: Schema, name: string): readonly string[] {
    return [part.oneOf, part.anyOf].flatMap((alternatives) => {
      const fills = alternatives.map((alternative, index) => this.use(alternative, `${name} Option${index + 1}`));
      if (fills.every((fill) => fill === undefined)) return [];
      const selector = alternatives === part.oneOf ? selectorOf(this.#contract, part, alternatives) : undefined;
      if (selector) {
        const tag = member('value', selector.property);
        return [...selector.cases].flatMap(([value, index]) =>
          fills[index] ? [`if (isObject(value) && ${tag} === ${quote(value)}) ${fills[index]}(value);`] : [],
        );
      }
      return alternatives.flatMap((alternative, index) =>
        fills[index]
          ? [`if (${this.#validator(alternative, `${name} Option${index + 1}`)}(value)) ${fills[index]}(value);`]
          : [],
      );
    });
  }

  /** Whether a default stands anywhere below the schema; its own default belongs to whoever holds the value. */
  #hasDefaults(schema: Schema): boolean {
    const seen = new Set<Schema>();
    const search = (part: Schema): boolean => {
      if (seen.has(part)) return false;
      seen.add(part);
      const target = part.ref === undefined ? undefined : this.#contract.schemas.get(part.ref)?.schema;
      const own = part.properties.some(
        (property) =>
          (property.schema.default ?? followRef(this.#contract, property.schema).default) !== undefined &&
          !isHidden(this.#contract, property, this.#form),
      );
      return own || [...(target ? [target] : []), ...children(part)].some(search);
    };
    return search(schema);
  }

  print(): string {
    return `${SUPPORT}\n${[...this.#functions.values()].join('\n')}`;
  }
}

function printFunction(name: string, lines: readonly string[]): string {
  return `function ${name}(value) {\n${lines.map((line) => `  ${line}\n`).join('')}}\n`;
}

const SUPPORT = `const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

/** A validator that completes what it found valid. */
function filling(validate, fill) {
  const check = (value) => {
    const valid = validate(value);
    check.errors = validate.errors;
    if (valid) fill(value);
    return valid;
  };
  return check;
}
`;
