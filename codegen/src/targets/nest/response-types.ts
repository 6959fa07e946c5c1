import type { MediaType, Operation, Response } from '../../ir/index.ts';
import { docComment, propertyKey, quote } from '../../print/text.ts';
import type { NestContext } from './nest-context.ts';

/** The members of a `Response` union for one status; `status` is a type. */
export function printResponseVariants(context: NestContext, response: Response, status: string): string {
  const headers = printHeaders(context, response);
  if (response.content.length === 0) {
    return `  | { readonly status: ${status}; readonly body?: undefined; ${headers} }\n`;
  }
  const several = response.content.length > 1;
  return response.content
    .map((media) => {
      const contentType = `readonly contentType${several ? '' : '?'}: ${quote(media.name)}`;
      const body = printBody(context, media).replaceAll('\n', '\n    ');
      return `  | { readonly status: ${status}; ${contentType}; readonly body: ${body}; ${headers} }\n`;
    })
    .join('');
}

function printBody(context: NestContext, media: MediaType): string {
  switch (media.kind) {
    case 'event-stream':
      return media.eventSchema
        ? `runtime.EventStream<${context.types.print(media.eventSchema, 'response')}>`
        : 'runtime.EventStream';
    case 'binary':
      return 'runtime.BinaryBody';
    case 'text': {
      const text = media.schema ? context.types.print(media.schema, 'response') : 'string';
      // Text of one fixed shape is written as a whole; other text may be too long to hold.
      return text === 'string' ? 'string | runtime.TextStream' : text;
    }
    default:
      return media.schema ? context.types.print(media.schema, 'response', context.optional) : 'unknown';
  }
}

/** Headers that the runtime sets are not the handler's business. */
function printHeaders(context: NestContext, response: Response): string {
  const own = response.headers.filter((header) => !context.isSuppliedHeader(header.name));
  if (own.length === 0) return 'readonly headers?: undefined';
  const required = own.some((header) => header.required);
  const fields = own.map(({ name, required: always, schema }) => {
    const type = context.types.print(schema, 'response');
    // RFC 9110 section 5.3: the one header that comes several times without being a list.
    const value = name.toLowerCase() === 'set-cookie' ? `${type} | ReadonlyArray<${type}>` : type;
    return `readonly ${propertyKey(name)}${always ? '' : '?'}: ${value}`;
  });
  return `readonly headers${required ? '' : '?'}: { ${fields.join('; ')} }`;
}

/** `export type NotFound<Status> = ...` for each component response, so that it is printed once. */
export function printComponentResponse(context: NestContext, name: string, response: Response): string {
  const comment = docComment(response.description);
  return `${comment}export type ${name}<Status extends number> =\n${printResponseVariants(context, response, 'Status').trimEnd()};\n`;
}

/** Status as a type: `404`; for ranges and `default` the statuses that the operation does not declare itself. */
export function statusType(operation: Operation, status: string): string {
  if (/^\d+$/.test(status)) return status;
  const declared = operation.responses.map((other) => other.status);
  const range = status === 'default' ? 'responses.Status' : `responses.Status${status}`;
  const excluded = [
    ...declared.filter((other) => /^\d+$/.test(other) && (status === 'default' || other[0] === status[0])),
    ...(status === 'default'
      ? declared.filter((other) => other.endsWith('XX')).map((other) => `responses.Status${other}`)
      : []),
  ];
  return excluded.length === 0 ? range : `Exclude<${range}, ${excluded.join(' | ')}>`;
}

/** IANA HTTP status codes, by first digit; those a handler can answer with. */
const STATUSES: Readonly<Record<string, readonly number[]>> = {
  '1XX': [100, 101, 102, 103],
  '2XX': [200, 201, 202, 203, 204, 205, 206, 207, 208, 226],
  '3XX': [300, 301, 302, 303, 304, 305, 307, 308],
  '4XX': [
    400, 401, 402, 403, 404, 405, 406, 407, 408, 409, 410, 411, 412, 413, 414, 415, 416, 417, 421, 422, 423, 424, 425,
    426, 428, 429, 431, 451,
  ],
  '5XX': [500, 501, 502, 503, 504, 505, 506, 507, 508, 510, 511],
};

/** The types behind `4XX` and `default`, as far as a contract uses them. */
export function printStatusTypes(statuses: ReadonlySet<string>): string {
  const all = statuses.has('default');
  const ranges = Object.keys(STATUSES).filter((range) => all || statuses.has(range));
  const lines = ranges.map((range) => `export type Status${range} = ${STATUSES[range]!.join(' | ')};\n`);
  if (all) lines.push(`export type Status = ${ranges.map((range) => `Status${range}`).join(' | ')};\n`);
  return lines.join('');
}
