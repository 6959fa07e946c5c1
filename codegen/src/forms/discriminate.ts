import type { Contract, Schema } from '../ir/index.ts';
import { conjuncts, followRef } from './form.ts';

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
