import { Agent, type Dispatcher, errors } from 'undici';
import {
  connectionHeaders,
  type OutgoingFailure,
  OutgoingHttp,
  OutgoingHttpError,
  type OutgoingRequest,
  type OutgoingResponse,
} from '../../domain/nodes/index.ts';
import { currentOrganisation } from '../../domain/tenancy/current-organisation.ts';
import { AddressPolicy } from './address-policy.ts';
import { guardedConnector, RefusedAddressError, type Resolve, systemResolve } from './guarded-connector.ts';
import type { OutgoingSlots } from './outgoing-slots.ts';

const connectTimeout = 10_000;

/** The connections of one organisation. */
interface Connections {
  readonly agent: Agent;
  calls: number;
  end: NodeJS.Timeout | undefined;
}

/** Outgoing calls on undici. Each organisation has connections of its own, which no other uses or waits for. */
export class UndiciOutgoingHttp extends OutgoingHttp {
  readonly #policy: AddressPolicy;
  readonly #resolve: Resolve;
  readonly #slots: OutgoingSlots | undefined;
  readonly #idleMs: number;
  readonly #connections = new Map<string, Connections>();

  /**
   * `allowed`: what private hosts may be called all the same (`OUTGOING_ALLOWED_HOSTS`). Without slots there is no bound.
   * `idleMs`: milliseconds after the last call of an organisation until its connections are given up.
   */
  constructor(
    allowed: readonly string[],
    resolve: Resolve = systemResolve,
    slots: OutgoingSlots | undefined = undefined,
    idleMs = 10_000,
  ) {
    super();
    this.#policy = new AddressPolicy(allowed);
    this.#resolve = resolve;
    this.#slots = slots;
    this.#idleMs = idleMs;
  }

  override async send(request: OutgoingRequest): Promise<OutgoingResponse> {
    if (!this.#slots || request.hasSlot) return this.#send(request);
    try {
      return await this.#slots.call(request.signal, () => this.#send(request));
    } catch (error) {
      if (request.signal?.aborted && !(error instanceof OutgoingHttpError))
        throw new OutgoingHttpError('aborted', 'the call was cancelled', { cause: error });
      throw error;
    }
  }

  async #send(request: OutgoingRequest): Promise<OutgoingResponse> {
    const started = performance.now();
    const timeout = AbortSignal.timeout(request.timeout);
    const signal = request.signal ? AbortSignal.any([request.signal, timeout]) : timeout;
    try {
      const { status, headers, body } = await this.#follow(prepared(request), request, signal);
      return { status, headers, body, duration: Math.round(performance.now() - started) };
    } catch (error) {
      throw outgoingError(error, timeout, request);
    }
  }

  /** Ends all connections. */
  async close(): Promise<void> {
    for (const { agent, end } of this.#connections.values()) {
      clearTimeout(end);
      await agent.destroy();
    }
    this.#connections.clear();
  }

  async #request(options: Dispatcher.RequestOptions & { origin: string }): Promise<Dispatcher.ResponseData> {
    const organisationId = currentOrganisation();
    const connections = this.#connectionsOf(organisationId);
    clearTimeout(connections.end);
    connections.calls += 1;
    try {
      const response = await connections.agent.request(options);
      response.body.once('close', () => this.#over(organisationId, connections));
      return response;
    } catch (error) {
      this.#over(organisationId, connections);
      throw error;
    }
  }

  #connectionsOf(organisationId: string): Connections {
    const known = this.#connections.get(organisationId);
    if (known) return known;
    const resolve = this.#slots?.lookupsOf(organisationId, this.#resolve) ?? this.#resolve;
    const agent = new Agent({
      connect: guardedConnector(this.#policy, connectTimeout, resolve),
      // Time limits are the request's own.
      headersTimeout: 0,
      bodyTimeout: 0,
      pipelining: 1,
    });
    const made: Connections = { agent, calls: 0, end: undefined };
    this.#connections.set(organisationId, made);
    return made;
  }

  #over(organisationId: string, connections: Connections): void {
    connections.calls -= 1;
    if (connections.calls > 0) return;
    connections.end = setTimeout(() => {
      this.#connections.delete(organisationId);
      void connections.agent.destroy();
    }, this.#idleMs).unref();
  }

  async #follow(
    first: Hop,
    { redirects, maxBytes, confidential }: OutgoingRequest,
    signal: AbortSignal,
  ): Promise<Omit<OutgoingResponse, 'duration'>> {
    let hop = first;
    for (let left = redirects; ; left--) {
      const response = await this.#request({
        origin: hop.url.origin,
        path: `${hop.url.pathname}${hop.url.search}`,
        method: hop.method as Dispatcher.HttpMethod,
        headers: hop.headers,
        body: hop.body ?? null,
        signal,
      });
      const headers = joined(response.headers);
      const next = redirects > 0 ? redirected(hop, response.statusCode, headers.location, confidential) : undefined;
      if (!next) return { status: response.statusCode, headers, body: await collected(response.body, maxBytes) };
      await response.body.dump({ limit: 65_536, signal });
      if (left === 0) throw new OutgoingHttpError('too_many_redirects', `more than ${redirects} redirects`);
      hop = next;
    }
  }
}

/** One request on the way to the answer. */
interface Hop {
  url: URL;
  method: string;
  headers: Record<string, string>;
  body?: string | Uint8Array;
}

function prepared({ url, method, headers, body }: OutgoingRequest): Hop {
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw new OutgoingHttpError('invalid_request', `the scheme ${url.protocol} is not http or https`);
  const sent: Record<string, string> = { 'user-agent': 'flowpact', accept: '*/*', 'accept-encoding': 'identity' };
  for (const [name, value] of Object.entries(headers)) {
    const lower = name.toLowerCase();
    if (connectionHeaders.has(lower))
      throw new OutgoingHttpError('invalid_request', `the header ${lower} cannot be set`);
    if (!/^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(lower))
      throw new OutgoingHttpError('invalid_request', `${JSON.stringify(name)} is not the name of a header`);
    // RFC 9110 section 5.5; a line break here would begin another header.
    if (!/^[\t\x20-\x7e\x80-\xff]*$/.test(value))
      throw new OutgoingHttpError(
        'invalid_request',
        `the value of the header ${lower} has characters that headers cannot have`,
      );
    sent[lower] = value;
  }
  return { url, method, headers: sent, ...(body !== undefined && { body }) };
}

/**
 * Where a redirect leads (RFC 9110 section 15.4); credentials stay with the origin that they were meant for. One that would
 * take a confidential body to another origin is not followed.
 */
function redirected(
  hop: Hop,
  status: number,
  location: string | undefined,
  confidential: OutgoingRequest['confidential'],
): Hop | undefined {
  if (![301, 302, 303, 307, 308].includes(status) || location === undefined || !URL.canParse(location, hop.url.href))
    return undefined;
  const url = new URL(location, hop.url);
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw new OutgoingHttpError('refused_address', `a redirect leads to the scheme ${url.protocol}`);
  const headers = { ...hop.headers };
  const toGet = status === 303 ? hop.method !== 'HEAD' : status <= 302 && hop.method === 'POST';
  if (url.origin !== hop.url.origin) {
    if (confidential?.body && !toGet) return undefined;
    const own = ['authorization', 'cookie', 'idempotency-key', ...(confidential?.headers ?? [])];
    for (const name of own) delete headers[name];
  }
  if (!toGet) return { ...hop, url, headers };
  delete headers['content-type'];
  return { url, method: 'GET', headers };
}

async function collected(body: Dispatcher.ResponseData['body'], maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    size += chunk.length;
    if (size > maxBytes) throw new OutgoingHttpError('too_large', `the answer has more than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function joined(headers: Dispatcher.ResponseData['headers']): Record<string, string> {
  const entries = Object.entries(headers).filter(([, value]) => value !== undefined);
  return Object.fromEntries(
    entries.map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : String(value)]),
  );
}

function outgoingError(error: unknown, timeout: AbortSignal, request: OutgoingRequest): OutgoingHttpError {
  if (error instanceof OutgoingHttpError) return error;
  const cause = error instanceof Error ? error : new Error(String(error));
  const [reason, message] = explain(cause, timeout, request);
  return new OutgoingHttpError(reason, message, { cause });
}

const dnsCodes = new Set(['ENOTFOUND', 'EAI_AGAIN', 'ENODATA']);

function explain(error: Error, timeout: AbortSignal, request: OutgoingRequest): [OutgoingFailure, string] {
  const all = [error, ...(error instanceof AggregateError ? (error.errors as Error[]) : [])];
  const refused = all.find((one) => one instanceof RefusedAddressError);
  if (refused) return ['refused_address', refused.message];
  if (request.signal?.aborted) return ['aborted', 'the call was cancelled'];
  if (timeout.aborted) return ['timeout', `no complete answer within ${request.timeout} ms`];
  if (error instanceof errors.ConnectTimeoutError) return ['timeout', `no connection within ${connectTimeout} ms`];
  if (error instanceof errors.InvalidArgumentError) return ['invalid_request', error.message];
  const code = all.map((one) => (one as NodeJS.ErrnoException).code).find((one) => one !== undefined);
  if (code !== undefined && dnsCodes.has(code)) return ['connection', 'the host name has no address'];
  return ['connection', code === undefined ? error.message : `the connection failed (${code})`];
}
