import openapiTS, { astToString } from 'openapi-typescript';
import { isObject } from '../../json.ts';
import { header, quote } from './print.ts';
import type { SdkContext } from './context.ts';

/** `types.ts`: the whole document as openapi-typescript sees it. */
export async function emitTypes({ contract }: SdkContext): Promise<string> {
  const document = withoutRules(contract.document) as Parameters<typeof openapiTS>[0];
  // A client may leave out what has a default; openapi-typescript's own default is the reader's side of it.
  const types = await openapiTS(document, { silent: true, defaultNonNullable: false });
  return `${header(contract)}\n${astToString(types)}`;
}

const RULES = new Set(['if', 'then', 'else', 'not', 'dependentRequired', 'dependentSchemas', 'description']);
/** What these hold are values, which may look like schemas. */
const VALUES = new Set(['example', 'examples', 'default', 'const', 'enum']);

/** A copy in which no `allOf` has members that hold rules between fields only: their types would be `unknown`. */
function withoutRules(json: unknown): unknown {
  if (Array.isArray(json)) return json.map(withoutRules);
  if (!isObject(json)) return json;
  const copy: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(json)) {
    const kept = key === 'allOf' && Array.isArray(value) ? value.filter((member) => !isRule(member)) : value;
    if (kept === value || (kept as unknown[]).length > 0) copy[key] = VALUES.has(key) ? kept : withoutRules(kept);
  }
  return copy;
}

function isRule(schema: unknown): boolean {
  return isObject(schema) && Object.keys(schema).every((key) => RULES.has(key) || key.startsWith('x-'));
}

/** `models.ts`: a name of its own for each component schema. */
export function emitModels({ contract, plan }: SdkContext): string {
  const models = [...plan.schemas.values()].filter(({ schema }) => schema.component);
  const lines = models.map(
    ({ schema, typeName }) => `export type ${typeName} = components['schemas'][${quote(schema.name)}];\n`,
  );
  if (lines.length === 0) return `${header(contract)}\nexport {};\n`;
  return `${header(contract)}\nimport type { components } from './types.ts';\n\n${lines.join('')}`;
}
