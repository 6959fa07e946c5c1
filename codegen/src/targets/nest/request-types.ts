import type { MediaType, Parameter, RequestBody } from '../../ir/index.ts';
import { formOf } from '../../forms/used-forms.ts';
import type { OperationPlan } from '../../plan/plan.ts';
import { docComment, indent, propertyKey, quote } from '../../print/text.ts';
import { followRef } from '../../forms/form.ts';
import type { NestContext } from './nest-context.ts';

const GROUPS = [
  ['path', 'path'],
  ['query', 'query'],
  ['headers', 'header'],
  ['cookies', 'cookie'],
] as const;

/** The decoded and checked request: `{ path, query, headers, cookies, body }`. */
export function printRequest(context: NestContext, { operation }: OperationPlan): string {
  const groups = GROUPS.map(([key, place]) => {
    const parameters = operation.parameters.filter((parameter) => parameter.in === place);
    return `readonly ${key}: ${printGroup(context, parameters)};\n`;
  });
  const accept = successMediaTypes(operation.responses);
  const negotiated = accept.length > 1 ? `readonly accept: ${accept.map(quote).join(' | ')};\n` : '';
  const body = operation.requestBody;
  if (body && body.content.length > 1) {
    return `{\n${indent(`${groups.join('')}${negotiated}`)}} & (\n${indent(printBodies(context, body))})`;
  }
  return `{\n${indent(`${groups.join('')}readonly body: ${printBody(context, body)};\n${negotiated}`)}}`;
}

function printGroup(context: NestContext, parameters: readonly Parameter[]): string {
  if (parameters.length === 0) return '{}';
  const fields = parameters.map((parameter) => {
    const filled = (parameter.schema.default ?? followRef(context.contract, parameter.schema).default) !== undefined;
    const always = parameter.required || filled;
    const comment = docComment(parameter.description);
    return `${comment}readonly ${propertyKey(parameter.name)}${always ? '' : '?'}: ${context.types.print(parameter.schema, 'request')};\n`;
  });
  return `{\n${indent(fields.join(''))}}`;
}

function printBody(context: NestContext, body: OperationPlan['operation']['requestBody']): string {
  if (!body || body.content.length === 0) return 'undefined';
  const types = body.content.map((media) => printMedia(context, media));
  return [...types, ...(body.required ? [] : ['undefined'])].join(' | ');
}

/** One member for each media type, so that `contentType` tells the bodies apart. */
function printBodies(context: NestContext, body: RequestBody): string {
  const members = body.content.map(
    (media) => `| { readonly contentType: ${quote(media.name)}; readonly body: ${printMedia(context, media)} }\n`,
  );
  const none = body.required ? '' : '| { readonly contentType: undefined; readonly body: undefined }\n';
  return members.join('') + none;
}

function printMedia(context: NestContext, media: MediaType): string {
  if (media.kind === 'binary') return 'Uint8Array';
  if (media.kind === 'text' || media.kind === 'event-stream') return 'string';
  return media.schema ? context.types.print(media.schema, formOf(media, 'request')) : 'unknown';
}

function successMediaTypes(responses: OperationPlan['operation']['responses']): readonly string[] {
  const success = responses.filter((response) => response.status.startsWith('2'));
  return [...new Set(success.flatMap((response) => response.content.map((media) => media.name)))];
}
