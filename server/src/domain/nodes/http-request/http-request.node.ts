import type { Json } from '../../domain-error.ts';
import { parseDuration } from '../../language/duration.ts';
import { defineNode, NodeFailure, type NodeType, type StepContext } from '../node-type.ts';
import { type OutgoingHttp, OutgoingHttpError, type OutgoingResponse } from '../outgoing-http.ts';
import { httpRequestParams, httpRequestOutput, type HttpRequestParams } from './http-request.schema.ts';
import { requestUrl, urlTemplate } from './request-url.ts';

const mebibyte = 1024 * 1024;

/** Calls an HTTP service. An answer of 400 or above fails the node, unless `fail_on_status` is false. */
export function httpRequest(http: OutgoingHttp): NodeType {
  return defineNode<HttpRequestParams>({
    type: 'http.request',
    description: 'Calls an HTTP service.',
    params: httpRequestParams,
    output: httpRequestOutput,
    raw: ['url'],
    ports: () => ['default'],
    *run(params) {
      const { template, isLiteral } = urlTemplate(params.url);
      const url = requestUrl((yield { kind: 'evaluate', template }) as Json[], isLiteral, params.query ?? {});
      const output = (yield {
        kind: 'step',
        key: 'send',
        run: (context) => send(http, url, params, context),
      }) as Output;
      if (output.status >= 400 && params.fail_on_status !== false) throw statusFailure(url, output);
      return { output };
    },
  });
}

type Output = { status: number; headers: Record<string, string>; body: Json; duration_ms: number };

async function send(http: OutgoingHttp, url: URL, params: HttpRequestParams, context: StepContext): Promise<Output> {
  const { body, contentType } = encodeBody(params);
  const headers = requestHeaders(params, contentType, context.idempotencyKey);
  const timeout = parseDuration(params.timeout ?? '30s');
  if (timeout === undefined)
    throw new NodeFailure(
      'invalid_params',
      `params.timeout is ${JSON.stringify(params.timeout)}, which is not a duration.`,
    );
  try {
    const response = await http.send({
      method: params.method ?? 'GET',
      url,
      headers,
      ...(body !== undefined && { body }),
      timeout,
      redirects: params.follow_redirects ? 5 : 0,
      maxBytes: 5 * mebibyte,
      signal: context.signal,
    });
    return {
      status: response.status,
      headers: response.headers,
      body: decodeBody(response),
      duration_ms: response.duration,
    };
  } catch (error) {
    if (error instanceof OutgoingHttpError) throw outgoingFailure(url, error);
    throw error;
  }
}

function encodeBody({ body, form }: HttpRequestParams): { body?: string; contentType?: string } {
  if (form !== undefined) {
    const pairs: [string, string][] = Object.entries(form).map(([name, value]) => [
      name,
      typeof value === 'object' ? JSON.stringify(value) : String(value),
    ]);
    return { body: new URLSearchParams(pairs).toString(), contentType: 'application/x-www-form-urlencoded' };
  }
  if (body === undefined) return {};
  if (typeof body === 'string') return { body, contentType: 'text/plain; charset=utf-8' };
  return { body: JSON.stringify(body), contentType: 'application/json' };
}

function requestHeaders(
  params: HttpRequestParams,
  contentType: string | undefined,
  idempotencyKey: string,
): Record<string, string> {
  const headers: Record<string, string> = { 'idempotency-key': idempotencyKey };
  if (contentType !== undefined) headers['content-type'] = contentType;
  const { auth } = params;
  if (auth?.type === 'bearer') headers.authorization = `Bearer ${auth.token}`;
  if (auth?.type === 'basic')
    headers.authorization = `Basic ${Buffer.from(`${auth.username}:${auth.password}`).toString('base64')}`;
  for (const [name, value] of Object.entries(params.headers ?? {}))
    if (value !== null) headers[name.toLowerCase()] = String(value);
  return headers;
}

/** JSON where the answer says so and it is; text where the bytes are UTF-8; base64 otherwise. */
function decodeBody({ headers, body }: OutgoingResponse): Json {
  if (body.length === 0) return null;
  const text = asUtf8(body);
  if (text === undefined) return Buffer.from(body).toString('base64');
  if (!/^application\/(?:[\w.+-]+\+)?json\b/i.test(headers['content-type'] ?? '')) return text;
  try {
    return JSON.parse(text) as Json;
  } catch {
    return text;
  }
}

function asUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** `http_4xx` or `http_5xx`, so that `retry.on` can tell a mistake of ours from trouble over there. */
function statusFailure(url: URL, { status, body }: Output): NodeFailure {
  const excerpt = (typeof body === 'string' ? body : JSON.stringify(body)).slice(0, 1_000);
  return new NodeFailure(`http_${Math.floor(status / 100)}xx`, `${placeOf(url)} answered ${status}.`, {
    status,
    body: excerpt,
  });
}

function outgoingFailure(url: URL, error: OutgoingHttpError): NodeFailure {
  return new NodeFailure(
    `http_${error.reason}`,
    `${placeOf(url)}: ${error.message}`,
    { reason: error.reason },
    { cause: error },
  );
}

/** Without the query, which may hold secrets. */
function placeOf(url: URL): string {
  return `${url.origin}${url.pathname}`;
}
