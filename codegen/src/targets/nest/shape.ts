import { conjuncts } from '../../forms/form.ts';
import type { Contract, Schema } from '../../ir/index.ts';
import { literal, propertyKey } from '../../print/text.ts';

const PRIMITIVES = ['string', 'number', 'integer', 'boolean', 'null'] as const;
const ANY_PRIMITIVE = `{ kind: 'primitive', types: ['string'] }`;

/**
 * How the text of a parameter becomes a value: all that the schema admits, as an expression of the runtime's `Shape`.
 * Recursion below the third level has no textual form in any parameter style and reads as text.
 */
export function printShape(contract: Contract, schema: Schema, depth = 0): string {
  const parts = allParts(contract, schema);
  const print = (child: Schema): string => (depth > 2 ? ANY_PRIMITIVE : printShape(contract, child, depth + 1));
  const properties = new Map(parts.flatMap((part) => part.properties.map(({ name, schema: value }) => [name, value])));
  const additional = parts.flatMap(({ additionalProperties: value }) =>
    value && value.boolean !== false ? [value] : [],
  );
  const types = new Set(parts.flatMap((part) => part.types ?? []));
  if (properties.size > 0 || types.has('object')) {
    const fields = [...properties].map(([name, value]) => `${propertyKey(name)}: ${print(value)}`);
    const rest = additional[0] ? `, additional: ${print(additional[0])}` : '';
    return `{ kind: 'object', properties: {${fields.length > 0 ? ` ${fields.join(', ')} ` : ''}}${rest} }`;
  }
  const items = parts.flatMap((part) => [...(part.items ? [part.items] : []), ...part.prefixItems]);
  if (types.has('array') || items.length > 0) {
    return `{ kind: 'array', items: ${items[0] ? print(items[0]) : ANY_PRIMITIVE} }`;
  }
  for (const value of parts.flatMap((part) => [...(part.const ? [part.const.value] : []), ...(part.enum ?? [])])) {
    if (types.size === 0 || !parts.some((part) => part.types)) types.add(typeOfValue(value));
  }
  const primitives = PRIMITIVES.filter((type) => types.has(type));
  return `{ kind: 'primitive', types: ${literal(primitives.length > 0 ? primitives : ['string'])} }`;
}

function allParts(contract: Contract, schema: Schema, seen = new Set<Schema>()): readonly Schema[] {
  return conjuncts(contract, schema, seen).flatMap((part) => [
    part,
    ...[...part.oneOf, ...part.anyOf].flatMap((branch) => allParts(contract, branch, seen)),
  ]);
}

function typeOfValue(value: unknown): (typeof PRIMITIVES)[number] {
  if (value === null) return 'null';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value === 'boolean' ? 'boolean' : 'string';
}
