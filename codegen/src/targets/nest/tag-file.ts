import type { OperationPlan, TagPlan } from '../../plan/plan.ts';
import { docComment, indent, member, quote, withoutComments } from '../../print/text.ts';
import type { NestContext } from './nest-context.ts';
import { printRequest } from './request-types.ts';
import { printResponseVariants, statusType } from './response-types.ts';

/** `tags/<tag>.ts`: the interface of a controller, and per operation its decorator and types. */
export function printTagFile(context: NestContext, tag: TagPlan, runtimeImport: string): string {
  const methods = tag.operations.map(
    ({ name, typeName, operation }) =>
      `${docComment(operation.summary ?? operation.description, '  ')}  ${name}(request: ${typeName}.Request, ...rest: never[]): Promise<${typeName}.Response>;\n`,
  );
  const controller = `${docComment(tag.tag.description)}export interface ${tag.controllerName} {\n${methods.join('')}}\n`;
  const body = [controller, ...tag.operations.map((operation) => printOperation(context, operation))].join('\n');
  const code = withoutComments(body);
  const imports: string[] = [];
  imports.push(`import { defineOperation } from ${quote(runtimeImport)};\n`);
  if (code.includes('runtime.')) imports.push(`import type * as runtime from ${quote(runtimeImport)};\n`);
  imports.push(`import { operations } from '../operations.js';\n`);
  if (code.includes('responses.')) imports.push(`import type * as responses from '../responses.ts';\n`);
  if (code.includes('schemas.')) imports.push(`import type * as schemas from '../schemas.ts';\n`);
  if (code.includes('WithRequired<')) imports.push(`import type { WithRequired } from '../types.ts';\n`);
  return `${imports.join('')}\n${body}`;
}

function printOperation(context: NestContext, plan: OperationPlan): string {
  const { typeName, name, operation } = plan;
  const about = [operation.summary, operation.description, `${operation.method} ${operation.path}`];
  const comment = [...new Set(about.filter((text) => text !== undefined && text !== ''))].join('\n\n');
  const deprecated = operation.deprecated ? '\n\n@deprecated' : '';
  const variants = operation.responses.map((response) => {
    const component = response.component === undefined ? undefined : context.plan.responses.get(response.component);
    const status = statusType(operation, response.status);
    return component ? `  | responses.${component}<${status}>\n` : printResponseVariants(context, response, status);
  });
  const union = variants.length === 0 ? ' never' : `\n${variants.join('').trimEnd()}`;
  return (
    docComment(comment + deprecated) +
    `export const ${typeName} = defineOperation<${typeName}.Request, ${typeName}.Response>(${member('operations', name)});\n` +
    `export namespace ${typeName} {\n` +
    indent(`export type Request = ${printRequest(context, plan)};\n\nexport type Response =${union};\n`) +
    `}\n`
  );
}
