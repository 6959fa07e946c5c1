import { isRecord } from './error-response.ts';
import { FlowpactError } from './errors.ts';
import type { CallInput, Operation, QueryParameter, RequestOptions } from './operation.ts';

/** The parts of one call as they go to openapi-fetch; made once, sent by every attempt. */
export interface PreparedRequest {
  readonly path: Record<string, unknown>;
  readonly query: Record<string, unknown>;
  readonly body: unknown;
  readonly contentType: string | undefined;
}

/** Splits the call's parameters into query and body, as the operation declares them. */
export function prepareRequest(operation: Operation, input: CallInput, options: RequestOptions): PreparedRequest {
  const path = { ...input.path };
  for (const [name, value] of Object.entries(path)) checkSegment(operation, name, value);
  const { query, body } = split(operation, input.params);
  const contentType = body === undefined ? undefined : (options.contentType ?? operation.body?.contentTypes[0]);
  return { path, query: { ...query, ...options.query }, body, contentType };
}

/** An empty, `.` or `..` segment would turn the URL into that of another operation. */
function checkSegment(operation: Operation, name: string, value: unknown): void {
  const text = String(value ?? '');
  if (text === '' || text === '.' || text === '..') {
    throw new FlowpactError(`${operation.id}: ${name} must be a non-empty path segment, not ${JSON.stringify(text)}`);
  }
}

function split(operation: Operation, params: unknown): { query: Record<string, unknown>; body: unknown } {
  if (operation.body === undefined) return { query: isRecord(params) ? params : {}, body: undefined };
  if (operation.body.from === 'whole') return { query: {}, body: params };
  const given = isRecord(params) ? params : {};
  const names = new Set(operation.query.map(({ name }) => name));
  const query = Object.fromEntries(Object.entries(given).filter(([name]) => names.has(name)));
  if (operation.body.from === 'property') return { query, body: given.body };
  const body = Object.fromEntries(Object.entries(given).filter(([name]) => !names.has(name)));
  return { query, body: params === undefined ? undefined : body };
}

/** Writes a query as the parameter's style says (OpenAPI 3.1 section 4.8.12.3); names without one use the default. */
export function serializeQuery(operation: Operation, query: Record<string, unknown>): string {
  return Object.entries(query)
    .filter(([, value]) => value !== undefined && value !== null)
    .flatMap(([name, value]) => {
      const declared = operation.query.find((parameter) => parameter.name === name);
      return serializeParameter(declared ?? { name, style: 'form', explode: true }, value);
    })
    .join('&');
}

const delimiters = { form: ',', spaceDelimited: '%20', pipeDelimited: '%7C', deepObject: ',' };

function serializeParameter({ name, style, explode }: QueryParameter, value: unknown): string[] {
  const key = encodeURIComponent(name);
  if (Array.isArray(value)) {
    if (value.length === 0) return [];
    if (explode) return value.map((entry) => `${key}=${encode(entry)}`);
    return [`${key}=${value.map(encode).join(delimiters[style])}`];
  }
  if (isRecord(value) && !(value instanceof Date)) {
    const entries = Object.entries(value).filter(([, entry]) => entry !== undefined);
    if (style === 'deepObject')
      return entries.map(([field, entry]) => `${key}[${encodeURIComponent(field)}]=${encode(entry)}`);
    if (explode) return entries.map(([field, entry]) => `${encodeURIComponent(field)}=${encode(entry)}`);
    return [`${key}=${entries.map(([field, entry]) => `${encodeURIComponent(field)},${encode(entry)}`).join(',')}`];
  }
  return [`${key}=${encode(value)}`];
}

function encode(value: unknown): string {
  return encodeURIComponent(value instanceof Date ? value.toISOString() : String(value));
}

type Body = NonNullable<RequestInit['body']>;

/** A body as `fetch` takes it, for the media type it is sent under. */
export function serializeBody(body: unknown, contentType: string): Body {
  if (isBodyInit(body) && !/[/+]json$/.test(contentType)) return body;
  if (contentType === 'application/x-www-form-urlencoded') return new URLSearchParams(textEntries(body));
  if (contentType === 'multipart/form-data') return formData(body);
  return JSON.stringify(body);
}

function isBodyInit(body: unknown): body is Body {
  return (
    typeof body === 'string' ||
    body instanceof Blob ||
    body instanceof FormData ||
    body instanceof URLSearchParams ||
    body instanceof ArrayBuffer ||
    ArrayBuffer.isView(body)
  );
}

function textEntries(body: unknown): [string, string][] {
  return Object.entries(body ?? {})
    .filter(([, value]) => value !== undefined)
    .flatMap(([name, value]) => [value].flat().map((entry): [string, string] => [name, String(entry)]));
}

function formData(body: unknown): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(body ?? {})) {
    for (const entry of [value].flat()) {
      if (entry instanceof Blob) form.append(name, entry);
      else if (entry !== undefined)
        form.append(name, typeof entry === 'object' ? JSON.stringify(entry) : String(entry));
    }
  }
  return form;
}
