import type { Json } from '../../domain-error.ts';
import { exceeds, valueBounds } from '../../json-bounds.ts';
import { parseDuration } from '../../language/duration.ts';
import { writeJson } from '../../json-pieces.ts';
import { JsonBoundError, parseJson } from '../../parse-json.ts';
import type { Disclosure } from '../../vault/disclosure.ts';
import { mayHoldMarkers } from '../../vault/secret-markers.ts';
import type { Vault } from '../../vault/vault.ts';
import { callFailure, disclosed, statusFailure } from '../calls.ts';
import { defineNode, NodeFailure, type NodeType, type StepContext } from '../node-type.ts';
import type { OutgoingHttp, OutgoingResponse } from '../outgoing-http.ts';
import { credentialOf, signIn, type SignIn } from './auth.ts';
import { httpRequestParams, httpRequestOutput, type HttpRequestParams } from './http-request.schema.ts';
import type { OAuthTokens } from './oauth-tokens.ts';
import { requestUrl, urlTemplate } from './request-url.ts';

const mebibyte = 1024 * 1024;

/** What calls are made with. */
export interface CallServices {
  readonly http: OutgoingHttp;
  readonly vault: Vault;
  readonly tokens: OAuthTokens;
}

/** Calls an HTTP service. An answer of 400 or above fails the node, unless `fail_on_status` is false. */
export function httpRequest(services: CallServices): NodeType {
  return defineNode<HttpRequestParams>({
    type: 'http.request',
    description: 'Calls an HTTP service.',
    params: httpRequestParams,
    output: httpRequestOutput,
    raw: ['url'],
    secrets: ['url', 'headers', 'query', 'body', 'form', 'auth'],
    credentials: ({ auth }) => credentialOf(auth),
    ports: () => ['default'],
    *run(params) {
      const { template, isLiteral } = urlTemplate(params.url);
      const target: Target = { values: (yield { kind: 'evaluate', template }) as Json[], isLiteral };
      const query = params.query ?? {};
      // An address without secrets is judged before anything is done; one with secrets is known inside of the step only.
      const isOpen = !mayHoldMarkers(JSON.stringify([target.values, query]));
      const url = isOpen ? requestUrl(target.values, isLiteral, query) : undefined;
      const output = (yield {
        kind: 'step',
        key: 'send',
        run: (context) => send(services, { url, target, params }, context),
      }) as Output;
      if (output.status >= 400 && params.fail_on_status !== false) throw statusFailure(url, output);
      return { output };
    },
  });
}

type Output = { status: number; headers: Record<string, string>; body: Json; duration_ms: number };

/** The parts of an address, as they are evaluated. */
interface Target {
  readonly values: readonly Json[];
  readonly isLiteral: readonly boolean[];
}

interface Call {
  /** Absent where it holds secrets. */
  readonly url: URL | undefined;
  readonly target: Target;
  readonly params: HttpRequestParams;
}

async function send(services: CallServices, call: Call, context: StepContext): Promise<Output> {
  const { params, target } = call;
  const timeout = parseDuration(params.timeout ?? '30s');
  if (timeout === undefined)
    throw new NodeFailure(
      'invalid_params',
      `params.timeout is ${JSON.stringify(params.timeout)}, which is not a duration.`,
    );
  const given = { ...params, url: target.values } as unknown as Json;
  const disclosure = await services.vault.open(context, given, credentialOf(params.auth)[0]);
  return disclosed(disclosure, async () => {
    const access = await signIn(services, disclosure, params.auth, context.signal);
    const url = call.url ? new URL(call.url) : secretUrl(disclosure, target, params);
    for (const [name, value] of Object.entries(access.query)) url.searchParams.append(name, value);
    const { body, contentType } = await encodeBody(disclosure.reveal({ body: params.body, form: params.form }));
    const { headers, confidential } = requestHeaders(disclosure, params, access, contentType, context.idempotencyKey);
    try {
      const response = await services.http.send({
        method: params.method ?? 'GET',
        url,
        headers,
        ...(body !== undefined && { body }),
        confidential: {
          headers: confidential,
          body: disclosure.holdsSecrets([params.body ?? null, params.form ?? null]),
        },
        timeout,
        redirects: params.follow_redirects ? 5 : 0,
        maxBytes: 5 * mebibyte,
        signal: context.signal,
      });
      if (response.status === 401) access.refused();
      return await readOutput(response, disclosure);
    } catch (error) {
      throw callFailure(call.url, error);
    }
  });
}

/** What is wrong with such an address is not told in detail: the details would be of the secret. */
function secretUrl(disclosure: Disclosure, { values, isLiteral }: Target, { query = {} }: HttpRequestParams): URL {
  try {
    return requestUrl(disclosure.reveal([...values]), isLiteral, disclosure.reveal(query));
  } catch {
    throw new NodeFailure('invalid_url', 'With its secrets the address is no URL that can be called.');
  }
}

async function encodeBody({
  body,
  form,
}: Pick<HttpRequestParams, 'body' | 'form'>): Promise<{ body?: string; contentType?: string }> {
  if (form !== undefined) {
    const pairs: [string, string][] = Object.entries(form).map(([name, value]) => [
      name,
      typeof value === 'object' ? JSON.stringify(value) : String(value),
    ]);
    return { body: new URLSearchParams(pairs).toString(), contentType: 'application/x-www-form-urlencoded' };
  }
  if (body === undefined) return {};
  if (typeof body === 'string') return { body, contentType: 'text/plain; charset=utf-8' };
  return { body: await writeJson(body), contentType: 'application/json' };
}

/** Headers of the request; the `confidential` ones are for the server that is called, and for none that it redirects to. */
function requestHeaders(
  disclosure: Disclosure,
  params: HttpRequestParams,
  access: SignIn,
  contentType: string | undefined,
  idempotencyKey: string,
): { headers: Record<string, string>; confidential: string[] } {
  const headers: Record<string, string> = { 'idempotency-key': idempotencyKey };
  if (contentType !== undefined) headers['content-type'] = contentType;
  Object.assign(headers, access.headers);
  const confidential = Object.keys(access.headers);
  for (const [name, value] of Object.entries(params.headers ?? {})) {
    if (value === null) continue;
    const lower = name.toLowerCase();
    headers[lower] = disclosure.reveal(String(value));
    if (disclosure.holdsSecrets(String(value))) confidential.push(lower);
  }
  return { headers, confidential };
}

async function readOutput(response: OutgoingResponse, { redactor }: Disclosure): Promise<Output> {
  return {
    status: response.status,
    headers: (await redactor.jsonInPieces(response.headers)) as Record<string, string>,
    body: await decodeBody(response, redactor),
    duration_ms: response.duration,
  };
}

/** JSON where the answer says so and it is; text where the bytes are UTF-8; base64 otherwise. */
async function decodeBody({ headers, body }: OutgoingResponse, redactor: Disclosure['redactor']): Promise<Json> {
  if (body.length === 0) return null;
  const text = asUtf8(body);
  if (text === undefined) return Buffer.from(await redactor.bytesInPieces(body)).toString('base64');
  if (!/^application\/(?:[\w.+-]+\+)?json\b/i.test(headers['content-type'] ?? '')) return redactor.textInPieces(text);
  const value = await readJson(text);
  return value === undefined ? redactor.textInPieces(text) : redactor.jsonInPieces(value);
}

/** Undefined for what is not JSON. Throws a NodeFailure `result_too_deep` or `too_many_names`. */
async function readJson(text: string): Promise<Json | undefined> {
  try {
    return await parseJson(text, valueBounds);
  } catch (error) {
    if (!(error instanceof JsonBoundError)) return undefined;
    const code = error.bound === 'levels' ? 'result_too_deep' : 'too_many_names';
    throw new NodeFailure(code, `The answer ${exceeds[error.bound]}.`);
  }
}

function asUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
