import type { Operation } from '../verifier/contract-document.ts';

/** What a request by operation id is made of; everything is optional, so that tests can leave out what must be there. */
export interface CallOptions {
  path?: Record<string, string>;
  query?: Record<string, string | number | readonly string[]>;
  headers?: Record<string, string>;
  /** Sent as JSON. */
  json?: unknown;
  /** Sent as it is, with the Content-Type in `headers`. */
  raw?: string;
  /** `null` sends no credential; default is the administrator's API key. */
  apiKey?: string | null;
}

export interface CallResult {
  status: number;
  headers: Headers;
  /** The parsed body, `undefined` where there is none. */
  body: any; // eslint-disable-line typescript/no-explicit-any -- tests look into bodies that the verifier has checked
  text: string;
}

/** Sends a request of the operation to the server at `url`. */
export async function send(
  fetch: typeof globalThis.fetch,
  url: string,
  operation: Operation,
  { apiKey, ...options }: CallOptions,
): Promise<CallResult> {
  const headers = new Headers(options.headers);
  if (apiKey != null && !headers.has('authorization') && !headers.has('cookie')) headers.set('x-api-key', apiKey);
  if (options.json !== undefined && !headers.has('content-type')) headers.set('content-type', 'application/json');
  const response = await fetch(`${url}${target(operation, options)}`, {
    method: operation.method,
    headers,
    body: options.raw ?? (options.json === undefined ? undefined : JSON.stringify(options.json)),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: parse(response, text), text };
}

function target(operation: Operation, options: CallOptions): string {
  const path = operation.path.replaceAll(/\{([^}]+)\}/g, (_match, name: string) =>
    encodeURIComponent(options.path?.[name] ?? 'unknown'),
  );
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(options.query ?? {})) {
    for (const item of Array.isArray(value) ? (value as string[]) : [String(value)]) query.append(name, item);
  }
  return query.size > 0 ? `${path}?${query.toString()}` : path;
}

function parse(response: Response, text: string): unknown {
  if (text === '') return undefined;
  return response.headers.get('content-type')?.includes('json') ? JSON.parse(text) : text;
}
