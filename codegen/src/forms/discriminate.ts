import type { Contract, Schema } from '../ir/index.ts';
import { type Form, conjuncts, followRef, hiddenNames } from './form.ts';

/** The property whose value tells which alternative of a `oneOf` or `anyOf` a value belongs to. */
export interface Selector {
  readonly property: string;
  /** Value of the property -> index of the alternative. */
  readonly cases: ReadonlyMap<string, number>;
}

/**
 * The selector that `discriminator` names, or one that the alternatives have without saying so: a property that every
 * alternative requires and that holds different string constants in each.
 */
export function selectorOf(contract: Contract, schema: Schema, alternatives: readonly Schema[]): Selector | undefined {
  const { discriminator } = schema;
  if (discriminator) {
    const declared = constantCases(contract, alternatives, discriminator.property);
    if (declared) return { property: discriminator.property, cases: declared };
    const cases = new Map<string, number>();
    for (const [value, pointer] of discriminator.mapping) {
      const index = alternatives.findIndex((alternative) => alternative.ref === pointer);
      if (index >= 0) cases.set(value, index);
    }
    if (new Set(cases.values()).size === alternatives.length) return { property: discriminator.property, cases };
  }
  const [first] = alternatives;
  if (!first || alternatives.length < 2) return undefined;
  const candidates = new Set(conjuncts(contract, first).flatMap((part) => part.required));
  for (const property of candidates) {
    const cases = constantCases(contract, alternatives, property);
    if (cases) return { property, cases };
  }
  return undefined;
}

function constantCases(
  contract: Contract,
  alternatives: readonly Schema[],
  property: string,
): ReadonlyMap<string, number> | undefined {
  const cases = new Map<string, number>();
  for (const [index, alternative] of alternatives.entries()) {
    const values = constantsOf(contract, alternative, property);
    if (!values || values.some((value) => cases.has(value))) return undefined;
    for (const value of values) cases.set(value, index);
  }
  return cases;
}

/** The strings a required property is restricted to; `undefined` when it is not. */
export function constantsOf(contract: Contract, schema: Schema, property: string): readonly string[] | undefined {
  const parts = conjuncts(contract, schema);
  if (!parts.some((part) => part.required.includes(property))) return undefined;
  for (const part of parts) {
    const declared = part.properties.find((candidate) => candidate.name === property);
    if (!declared) continue;
    const target = followRef(contract, declared.schema);
    const values = target.const ? [target.const.value] : target.enum;
    if (values?.every((value) => typeof value === 'string')) return values;
  }
  return undefined;
}

/** Values of the discriminator that select an alternative; none when it says so itself with a constant. */
export function discriminatorValues(contract: Contract, schema: Schema, branch: Schema): readonly string[] {
  const { discriminator } = schema;
  if (!discriminator || branch.ref === undefined) return [];
  const declared = conjuncts(contract, branch)
    .flatMap((part) => part.properties)
    .filter((property) => property.name === discriminator.property)
    .some((property) => {
      const { const: constant, enum: values } = followRef(contract, property.schema);
      const own = constant ? [constant.value] : values;
      return own?.every((value) => (discriminator.mapping.get(String(value)) ?? branch.ref) === branch.ref);
    });
  if (declared) return [];
  return [...discriminator.mapping].flatMap(([value, pointer]) => (pointer === branch.ref ? [value] : []));
}

/** Alternatives of which a property with a fixed value in each selects the only one that can hold. */
export interface Selection<Alternative> {
  readonly property: string;
  readonly cases: readonly { readonly values: readonly string[]; readonly schema: Alternative }[];
}

/**
 * How objects of a form are told apart: by what `discriminator` names, else by a property that every alternative requires.
 * `undefined` unless checking the selected alternative alone accepts what `oneOf` and `anyOf` accept: every alternative is
 * for objects only, requires the property, and restricts it to strings that no other alternative has.
 */
export function selectionOf(
  contract: Contract,
  schema: Schema,
  alternatives: readonly Schema[],
  form: Form,
): Selection<Schema> | undefined {
  const [first] = alternatives;
  if (!first || alternatives.length < 2) return undefined;
  const restricted = isObjectOnly(contract, { ...schema, oneOf: [], anyOf: [] });
  if (!restricted && !alternatives.every((alternative) => isObjectOnly(contract, alternative))) return undefined;
  const { discriminator } = schema;
  const candidates = discriminator ? [discriminator.property] : requiredNames(contract, first);
  for (const property of new Set(candidates)) {
    const cases = alternatives.flatMap((alternative) => {
      const mapped = discriminatorValues(contract, schema, alternative);
      const values = mapped.length > 0 ? mapped : tagsOf(contract, alternative, property, form);
      return values ? [{ values, schema: alternative }] : [];
    });
    const values = cases.flatMap((entry) => entry.values);
    const distinct = values.length > 0 && new Set(values).size === values.length;
    const hidden = hiddenNames(contract, schema, form).has(property);
    if (distinct && !hidden && cases.length === alternatives.length) return { property, cases };
  }
  return undefined;
}

/** Alternatives inside of what holds for the whole value: in the schema, behind its references and in its `allOf`. */
function nestedAlternatives(contract: Contract, schema: Schema): readonly (readonly Schema[])[] {
  return conjuncts(contract, schema)
    .flatMap((part) => [part.oneOf, part.anyOf])
    .filter((alternatives) => alternatives.length > 0);
}

function requiredNames(contract: Contract, schema: Schema, seen: readonly Schema[] = []): readonly string[] {
  if (seen.includes(schema)) return [];
  const inside = nestedAlternatives(contract, schema).flatMap(([first]) => first ?? []);
  return [
    ...conjuncts(contract, schema).flatMap((part) => part.required),
    ...inside.flatMap((part) => requiredNames(contract, part, [...seen, schema])),
  ];
}

/** The strings that a property of every valid value has one of; `undefined` when it may be absent or anything else. */
function tagsOf(
  contract: Contract,
  schema: Schema,
  property: string,
  form: Form,
  seen: readonly Schema[] = [],
): readonly string[] | undefined {
  if (seen.includes(schema) || hiddenNames(contract, schema, form).has(property)) return undefined;
  const own = constantsOf(contract, schema, property);
  if (own) return own.length > 0 ? [...new Set(own)] : undefined;
  for (const alternatives of nestedAlternatives(contract, schema)) {
    const tags = alternatives.map((part) => tagsOf(contract, part, property, form, [...seen, schema]));
    if (tags.every((values) => values !== undefined)) return [...new Set(tags.flat())];
  }
  return undefined;
}

function isObjectOnly(contract: Contract, schema: Schema, seen: readonly Schema[] = []): boolean {
  if (seen.includes(schema)) return false;
  const typed = conjuncts(contract, schema).some(({ types }) => types?.length === 1 && types[0] === 'object');
  return (
    typed ||
    nestedAlternatives(contract, schema).some((alternatives) =>
      alternatives.every((part) => isObjectOnly(contract, part, [...seen, schema])),
    )
  );
}
