import type { Contract, MediaType, NamedSchema, Schema } from '../../ir/index.ts';
import type { Plan } from '../../plan/plan.ts';
import type { Problems } from '../../problems.ts';
import type { TypeScriptSdkOptions } from './options.ts';

/** What every printer of this target needs. */
export interface SdkContext {
  readonly contract: Contract;
  readonly plan: Plan;
  readonly options: TypeScriptSdkOptions;
  readonly idempotencyHeader: string;
  readonly problems: Problems;
}

/** The schema that a chain of references ends at. Siblings of a `$ref` are left aside: they do not name properties here. */
export function resolve(contract: Contract, schema: Schema): Schema {
  const seen = new Set<string>();
  let current = schema;
  while (current.ref !== undefined && !seen.has(current.ref)) {
    seen.add(current.ref);
    const target = contract.schemas.get(current.ref);
    if (target === undefined) break;
    current = target.schema;
  }
  return current;
}

/** The component that the schema is a plain reference to. */
export function componentOf(contract: Contract, schema: Schema): NamedSchema | undefined {
  const target = schema.ref === undefined ? undefined : contract.schemas.get(schema.ref);
  return target?.component === true ? target : undefined;
}

/** `components['schemas']['Workflow']` by its name in `models.ts`, or undefined where the schema has none. */
export function modelType({ contract, plan }: SdkContext, schema: Schema): string | undefined {
  const component = componentOf(contract, schema);
  const name = component === undefined ? undefined : plan.schemas.get(component.pointer)?.typeName;
  return name === undefined ? undefined : `models.${name}`;
}

/** Whether the body wraps its result, as the configured envelope says. */
export function isEnveloped({ contract, options }: SdkContext, media: MediaType): boolean {
  const { envelope } = options;
  if (envelope === undefined || media.kind !== 'json' || media.schema === undefined) return false;
  const names = new Set(resolve(contract, media.schema).properties.map((property) => property.name));
  return names.has(envelope.data) && names.has(envelope.meta);
}

/** The schema of a property, also behind references; undefined when it is not declared. */
export function propertyOf({ contract }: SdkContext, schema: Schema, name: string): Schema | undefined {
  return resolve(contract, schema).properties.find((property) => property.name === name)?.schema;
}
