import type { MediaType, Operation } from '../../ir/index.ts';
import { isEnveloped, type SdkContext } from './context.ts';
import { errorCodes } from './error-codes.ts';
import { header, key, literal, quote } from './print.ts';
import { type Signature, successMedia } from './signature.ts';

/** `operations.ts`: what the core must know of each operation, as plain data. */
export function emitOperations(context: SdkContext, signatures: readonly Signature[]): string {
  const entries = signatures.map((signature) => {
    const { plan, bodyFrom } = signature;
    return `  ${key(plan.name)}: ${literal(metadata(context, plan.name, plan.operation, bodyFrom), '  ')},\n`;
  });
  return (
    `${header(context.contract)}\nimport type { Operation } from ${quote(context.options.coreImport)};\n\n` +
    `export const operations = {\n${entries.join('')}} as const satisfies Record<string, Operation>;\n`
  );
}

function metadata(context: SdkContext, name: string, operation: Operation, from: Signature['bodyFrom']): object {
  return {
    id: name,
    method: operation.method,
    path: operation.path,
    query: operation.parameters
      .filter((parameter) => parameter.in === 'query')
      .map(({ name: parameter, style, explode }) => ({ name: parameter, style, explode })),
    body: operation.requestBody && { contentTypes: operation.requestBody.content.map((media) => media.name), from },
    responses: Object.fromEntries(
      successMedia(operation).map((media) => [media.name.toLowerCase(), content(context, media)]),
    ),
    security: operation.security.map(({ schemes }) => schemes.map(({ scheme }) => scheme)),
    idempotent: operation.policies.idempotent,
  };
}

/** Read as text: the SDK brings no codecs. */
const TEXT: ReadonlySet<string> = new Set(['form', 'multipart', 'encoded']);

function content(context: SdkContext, media: MediaType): object {
  const kind = TEXT.has(media.kind) ? 'text' : media.kind;
  const typedEvents = kind === 'event-stream' && media.eventSchema !== undefined;
  return { kind: typedEvents ? 'json-event-stream' : kind, envelope: isEnveloped(context, media) };
}

/** `error-codes.ts`: the codes that errors of this contract can have. */
export function emitErrorCodes(context: SdkContext): string {
  const codes = errorCodes(context).map((code) => `\n  | ${quote(code)}`);
  const type = codes.length === 0 ? ' never' : codes.join('');
  return `${header(context.contract)}\n/** Stable; a later version of the server may have more. */\nexport type ErrorCode =${type};\n`;
}

/** `wire.ts`: how this contract wraps results, errors and pages. */
export function emitWire({ contract, options, idempotencyHeader }: SdkContext): string {
  const none = { property: '', page: { parameter: '', current: '', hasNext: '' }, cursor: { parameter: '', next: '' } };
  const wire = {
    envelope: options.envelope ?? { data: '', meta: '' },
    idempotencyHeader,
    requestIdHeader: options.requestIdHeader,
    pagination: options.pagination ?? none,
    errors: options.errors,
    securitySchemes: Object.fromEntries(
      contract.securitySchemes.map(({ key: name, type, in: location, name: field, scheme }) => [
        name,
        { type, in: location, name: field, scheme },
      ]),
    ),
  };
  return `${header(contract)}\nimport type { Wire } from ${quote(options.coreImport)};\n\nexport const wire: Wire = ${literal(wire)};\n`;
}
