import { selectorOf } from '../../forms/discriminate.ts';
import { children, conjuncts, followRef, isBareReference, isHidden, partsOf } from '../../forms/form.ts';
import { unicodePattern } from '../../forms/regular-expression.ts';
import type { Contract, Schema } from '../../ir/index.ts';
import { Scope, pascalCase } from '../../plan/names.ts';
import type { Plan } from '../../plan/plan.ts';
import { member, quote } from '../../print/text.ts';
import { PROJECTION_FUNCTIONS } from './projection-functions.ts';
import { isTrivial } from './projected-schema.ts';
import type { Validators } from './validators.ts';

/** Prints the functions that copy what a schema declares and nothing else. */
export class Projections {
  readonly #contract: Contract;
  readonly #plan: Plan;
  readonly #validators: Validators;
  readonly #scope = new Scope();
  readonly #functions = new Map<string, string>();
  readonly #named = new Map<string, string>();
  readonly #validated = new Set<string>();
  readonly #tables: string[] = [];

  constructor(contract: Contract, plan: Plan, validators: Validators) {
    this.#contract = contract;
    this.#plan = plan;
    this.#validators = validators;
  }

  get isEmpty(): boolean {
    return this.#functions.size === 0;
  }

  /** Name of the function for a schema; `undefined` when every value can be sent as it is. */
  use(schema: Schema, name: string): string | undefined {
    if (isTrivial(this.#contract, schema)) return undefined;
    const only = onlyAlternative(this.#contract, isBareReference(schema) ? followRef(this.#contract, schema) : schema);
    if (only) return this.use(only, name);
    const bare = schema.ref !== undefined && isBareReference(schema);
    if (!bare || schema.ref === undefined) return this.#define(schema, pascalCase(name));
    const known = this.#named.get(schema.ref);
    if (known !== undefined) return known;
    const target = this.#plan.schemas.get(schema.ref)!;
    const claimed = this.#scope.claim(`project${target.typeName.replace(/^./, (first) => first.toUpperCase())}`);
    this.#named.set(schema.ref, claimed);
    this.#functions.set(claimed, '');
    this.#functions.set(claimed, this.#print(claimed, target.schema.schema, target.typeName));
    return claimed;
  }

  #define(schema: Schema, name: string): string {
    const claimed = this.#scope.claim(`project${name}`);
    this.#functions.set(claimed, '');
    this.#functions.set(claimed, this.#print(claimed, schema, name));
    return claimed;
  }

  #print(functionName: string, schema: Schema, name: string): string {
    const parts = partsOf(this.#contract, schema);
    const groups = parts.flatMap((part) =>
      [part.oneOf, part.anyOf].flatMap((alternatives) =>
        alternatives.length > 0 ? [{ owner: part, alternatives, exclusive: alternatives === part.oneOf }] : [],
      ),
    );
    const array = this.#printArray(parts, name);
    const choice = groups.length > 0 && !array ? this.#printArrayChoice(groups, name) : [];
    const object = mayBe(this.#contract, schema, 'object')
      ? ['if (!isObject(value)) return value;', ...this.#printObject(parts, groups, name)]
      : ['return value;'];
    const lines = [...(array ? [`if (Array.isArray(value)) return ${array};`] : []), ...choice, ...object];
    const body = lines.map((line) => `  ${line}\n`).join('');
    return `export function ${functionName}(value, dropped, path = '') {\n${body}}\n`;
  }

  #printArray(parts: readonly Schema[], name: string): string | undefined {
    const items = parts.flatMap((part) => (part.items ? [part.items] : []));
    const project = this.#useAll(items, `${name}Item`);
    const prefix = parts
      .flatMap((part) => part.prefixItems)
      .map((item, index) => this.use(item, `${name}Item${index}`));
    if (prefix.some((entry) => entry !== undefined)) {
      const list = prefix.map((entry) => entry ?? 'keep').join(', ');
      return `projectTuple(value, [${list}], ${project ?? 'keep'}, dropped, path)`;
    }
    return project && `value.map((item, index) => ${project}(item, dropped, dropped && \`\${path}/\${index}\`))`;
  }

  #printObject(parts: readonly Schema[], groups: readonly Group[], name: string): readonly string[] {
    const properties = new Map<string, Schema[]>();
    for (const property of parts.flatMap((part) => part.properties)) {
      if (isHidden(this.#contract, property, 'response')) continue;
      properties.set(property.name, [...(properties.get(property.name) ?? []), property.schema]);
    }
    const copies = [...properties].map(([key, schemas]) => {
      const project = this.#useAll(schemas, `${name} ${key}`);
      if (key in Object.prototype) return `copyOwn(value, out, ${quote(key)}, ${project ?? 'keep'}, dropped, path);`;
      const from = member('value', key);
      const to = member('out', key);
      const copy = project ? `${project}(${from}, dropped, ${pathOf(key)})` : from;
      return `if (${from} !== undefined) ${to} = ${copy};`;
    });
    const choices = groups.flatMap((group, index) => this.#printChoice(group, `${name}${index === 0 ? '' : index}`));
    const others = this.#printOthers(parts, properties.size + groups.length > 0, name);
    return [
      'const out = {};',
      ...copies,
      ...choices,
      ...others,
      'if (dropped) reportDropped(value, out, dropped, path);',
      'return out;',
    ];
  }

  /** Properties that are not named: kept where the schema says so, or says nothing about properties at all. */
  #printOthers(parts: readonly Schema[], names: boolean, name: string): readonly string[] {
    const explicit = parts.flatMap((part) => [part.additionalProperties, part.unevaluatedProperties]);
    const open = explicit.flatMap((schema) => (schema && schema.boolean !== false ? [schema] : []));
    const patterns = parts.flatMap((part) => part.patternProperties).filter(({ pattern }) => unicodePattern(pattern));
    const lines = patterns.map(({ pattern, schema }, index) => {
      const project = this.use(schema, `${name} Pattern${index}`) ?? 'keep';
      return `copyOthers(value, out, ${project}, dropped, path, new RegExp(${quote(unicodePattern(pattern) ?? pattern)}, 'u'));`;
    });
    const freeForm = !names && patterns.length === 0 && explicit.every((schema) => schema === undefined);
    if (open.length === 0 && !freeForm) return lines;
    return [...lines, `copyOthers(value, out, ${this.#useAll(open, `${name} Value`) ?? 'keep'}, dropped, path);`];
  }

  #printChoice({ owner, alternatives, exclusive }: Group, name: string): readonly string[] {
    const objects = alternatives.filter((alternative) => mayBe(this.#contract, alternative, 'object'));
    const selector = exclusive ? selectorOf(this.#contract, owner, objects) : undefined;
    const projects = objects.map((alternative, index) => this.use(alternative, `${name} Option${index + 1}`) ?? 'keep');
    if (projects.length === 1) return [`merge(value, out, ${projects[0]}, dropped, path);`];
    if (projects.length === 0) return [];
    if (selector) {
      const cases = [...selector.cases].map(([value, index]) => `  [${quote(value)}, ${projects[index]}],\n`).join('');
      const table = this.#scope.claim(`cases${name}`);
      this.#tables.push(`const ${table} = new Map([\n${cases}]);\n`);
      return [`mergeSelected(value, out, ${table}, ${member('value', selector.property)}, dropped, path);`];
    }
    const table = this.#alternatives(objects, projects, `${name} Option`);
    return [`mergeValid(value, out, ${table}, ${exclusive}, dropped, path);`];
  }

  #printArrayChoice(groups: readonly Group[], name: string): readonly string[] {
    const arrays = groups
      .flatMap((group) => group.alternatives)
      .filter((alternative) => mayBe(this.#contract, alternative, 'array'))
      .map((alternative, index) => ({ alternative, project: this.use(alternative, `${name} List${index + 1}`) }))
      .filter((entry) => entry.project !== undefined);
    if (arrays.length === 0) return [];
    if (arrays.length === 1) return [`if (Array.isArray(value)) return ${arrays[0]!.project}(value, dropped, path);`];
    const table = this.#alternatives(
      arrays.map((entry) => entry.alternative),
      arrays.map((entry) => entry.project ?? 'keep'),
      `${name} List`,
    );
    return [`if (Array.isArray(value)) return projectValid(value, ${table}, dropped, path);`];
  }

  /** A constant with the functions and validators of alternatives that only validation can tell apart. */
  #alternatives(schemas: readonly Schema[], projects: readonly string[], name: string): string {
    const entries = schemas.map(
      (schema, index) => `  [${projects[index]}, ${this.#validator(schema, `${name}${index + 1}`)}],\n`,
    );
    const table = this.#scope.claim(`alternatives${pascalCase(name)}`);
    this.#tables.push(`const ${table} = [\n${entries.join('')}];\n`);
    return table;
  }

  #validator(schema: Schema, name: string): string {
    const validator = this.#validators.use(
      schema,
      pascalCase(name).replace(/^./, (first) => first.toLowerCase()),
    );
    this.#validated.add(validator);
    return `validators.${validator}`;
  }

  #useAll(schemas: readonly Schema[], name: string): string | undefined {
    const shaping = schemas.filter(shapesValue);
    const [first] = shaping.length > 0 ? shaping : schemas;
    if (!first) return undefined;
    if (shaping.length <= 1) return this.use(first, name);
    return this.use(
      {
        ...first,
        ref: undefined,
        properties: [],
        required: [],
        items: undefined,
        oneOf: [],
        anyOf: [],
        allOf: shaping,
        json: {},
      },
      name,
    );
  }

  /** An ES module of JavaScript. */
  print(validatorsImport: string): string {
    const functions = [...this.#functions.values(), ...this.#tables].join('\n');
    const imports = this.#validated.size > 0 ? `import * as validators from ${quote(validatorsImport)};\n\n` : '';
    const used = usedFunctions(functions);
    return `${imports}${used.join('\n')}\n${functions}`;
  }

  /** The declarations of that module. */
  printTypes(): string {
    const declarations = [...this.#functions.keys()].map((name) => `export declare const ${name}: Projection;\n`);
    return `type Projection = (value: unknown, dropped?: string[], path?: string) => unknown;\n\n${declarations.join('')}`;
  }
}

/** The one alternative of a schema that says nothing else and whose other alternatives can be sent as they are. */
function onlyAlternative(contract: Contract, schema: Schema): Schema | undefined {
  if (schema.ref !== undefined || schema.properties.length + schema.allOf.length + schema.conditions.length > 0)
    return undefined;
  if (schema.additionalProperties ?? schema.items ?? schema.unevaluatedProperties) return undefined;
  if (schema.oneOf.length > 0 && schema.anyOf.length > 0) return undefined;
  const structured = [...schema.oneOf, ...schema.anyOf].filter(
    (alternative) => mayBe(contract, alternative, 'object') || mayBe(contract, alternative, 'array'),
  );
  return structured.length === 1 ? structured[0] : undefined;
}

/** The functions that a text calls, with those that they call, in the order of the list. */
function usedFunctions(text: string): readonly string[] {
  const used: string[] = [];
  let calling = text;
  for (const entry of PROJECTION_FUNCTIONS.toReversed()) {
    if (!new RegExp(`\\b${entry.name}\\b`).test(calling)) continue;
    used.unshift(entry.text);
    calling += entry.text;
  }
  return used;
}

interface Group {
  readonly owner: Schema;
  readonly alternatives: readonly Schema[];
  readonly exclusive: boolean;
}

function pathOf(key: string): string {
  const token = key.replaceAll('~', '~0').replaceAll('/', '~1');
  return `dropped && path + ${quote(`/${token}`)}`;
}

/** False for a schema that restricts a value and says nothing about what is inside of it. */
function shapesValue(schema: Schema): boolean {
  const restricting = schema.conditions.filter(({ keyword }) => RESTRICTING.has(keyword)).length;
  return schema.ref !== undefined || children(schema).length > restricting;
}

const RESTRICTING: ReadonlySet<string> = new Set(['if', 'not', 'contains', 'propertyNames']);

function mayBe(contract: Contract, schema: Schema, type: 'object' | 'array'): boolean {
  return conjuncts(contract, schema).every((part) => {
    const { types, boolean, const: constant, enum: values } = followRef(contract, part);
    if (boolean === false) return false;
    if (constant ?? values)
      return [constant?.value, ...(values ?? [])].some((value) => typeof value === 'object' && value !== null);
    return types === undefined || types.includes(type);
  });
}
