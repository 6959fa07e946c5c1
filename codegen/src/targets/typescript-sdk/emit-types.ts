import openapiTS, { astToString } from 'openapi-typescript';
import { header, quote } from './print.ts';
import type { SdkContext } from './context.ts';

/** `types.ts`: the whole document as openapi-typescript sees it. */
export async function emitTypes({ contract }: SdkContext): Promise<string> {
  const document = structuredClone(contract.document) as unknown as Parameters<typeof openapiTS>[0];
  // A client may leave out what has a default; openapi-typescript's own default is the reader's side of it.
  const types = await openapiTS(document, { silent: true, defaultNonNullable: false });
  return `${header(contract)}\n${astToString(types)}`;
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
