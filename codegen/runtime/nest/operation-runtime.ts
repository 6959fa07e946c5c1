import { createHash } from 'node:crypto';

import type { FastifyReply, FastifyRequest, HookHandlerDoneFunction } from 'fastify';

import type { ContractDescriptor, OperationDescriptor } from './contract.ts';
import { RequestFailure, type FieldError } from './failure.ts';
import type { FailureResponder } from './failure-responder.ts';
import { Negotiator } from './media-type.ts';
import type { IdempotencyStore, MediaTypeCodec, RateLimitDecision, RateLimiter, StoredResponse } from './ports.ts';
import { contextKey, RequestContext } from './request-context.ts';
import { repeatedHeader } from './repeated-headers.ts';
import { RequestReader } from './request-reader.ts';
import type { ResponseEncoder } from './response-encoder.ts';
import { OperationResponse, type ResponseHeaders } from './response.ts';
import { SecurityPolicy } from './security.ts';
import { settle } from './operation-binding.ts';

/** What an operation needs of its contract and of the application. */
export interface OperationServices {
  readonly authenticators: ConstructorParameters<typeof SecurityPolicy>[2];
  readonly rateLimiter: RateLimiter | undefined;
  readonly idempotency: { readonly store: IdempotencyStore; readonly header: string } | undefined;
  readonly codecs: Readonly<Record<string, MediaTypeCodec>>;
  readonly maxNames: number | undefined;
  readonly requestIdHeader: string;
  readonly cacheControl: string | undefined;
  readonly around: ((context: RequestContext, next: () => void) => void) | undefined;
  readonly encoder: ResponseEncoder;
  readonly responder: FailureResponder;
}

type Done = HookHandlerDoneFunction;
type Carrier = FastifyRequest & { [contextKey]?: RequestContext };

/** The life of a request to one operation, as Fastify hooks around Nest's handler. Built once; nothing is built per request. */
export class OperationRuntime {
  readonly operation: OperationDescriptor;
  readonly encoder: ResponseEncoder;
  private readonly contract: ContractDescriptor;
  private readonly services: OperationServices;
  private readonly security: SecurityPolicy;
  private readonly reader: RequestReader;
  private readonly negotiator: Negotiator;
  private readonly lifecycleHeaders: readonly (readonly [name: string, value: string])[];
  private readonly serializer: (this: FastifyReply, payload: unknown) => string;
  private readonly hasEmptyParameter: boolean;

  constructor(contract: ContractDescriptor, operation: OperationDescriptor, services: OperationServices) {
    this.contract = contract;
    this.operation = operation;
    this.services = services;
    this.encoder = services.encoder;
    this.security = new SecurityPolicy(contract, operation, services.authenticators);
    this.reader = new RequestReader(
      operation,
      apiKeyParameters(contract, operation),
      services.codecs,
      services.maxNames,
    );
    this.negotiator = new Negotiator(successMediaTypes(operation));
    this.lifecycleHeaders = deprecationHeaders(operation);
    this.hasEmptyParameter = operation.path.includes('{');
    this.serializer = serializerOf(services.encoder);
  }

  /** Before the body is read: who is calling, may they, may they now, and can they be understood. */
  readonly onRequest = (request: FastifyRequest, reply: FastifyReply, done: Done): void => {
    reply.serializer(this.serializer);
    this.admitRequest(request, reply, done);
  };

  /** The same for a route of the application's own, which answers as it likes once somebody is let in. */
  readonly admitRequest = (request: FastifyRequest, reply: FastifyReply, done: Done): void => {
    const context = new RequestContext(request, reply, this.contract, this.operation);
    (request as Carrier)[contextKey] = context;
    reply.header(this.services.requestIdHeader, request.id);
    if (this.services.cacheControl !== undefined) reply.header('Cache-Control', this.services.cacheControl);
    for (const [name, value] of this.lifecycleHeaders) reply.header(name, value);
    if (this.hasEmptyParameter && hasEmptyValue(request.params as Record<string, string>)) {
      // Of no operation, so that what this one declares for a 404 does not hold.
      this.services.responder.fail(context, new RequestFailure('not_found', 'There is nothing at this path.'));
      return;
    }
    try {
      const repeated = repeatedHeader(request.raw.rawHeaders);
      if (repeated !== undefined) {
        this.limit(context, repeated, done);
        return;
      }
      const refusal = this.security.authenticate(context);
      if (refusal instanceof Promise) {
        refusal.then((error) => this.limit(context, error, done)).catch((error: unknown) => this.fail(context, error));
      } else {
        this.limit(context, refusal, done);
      }
    } catch (error) {
      this.fail(context, error);
    }
  };

  /** After the body is there: everything the request carries becomes values, or a list of what is wrong with it. */
  readonly preValidation = (request: FastifyRequest, _reply: FastifyReply, done: Done): void => {
    const context = (request as Carrier)[contextKey]!;
    try {
      const errors = this.reader.read(context);
      if (errors instanceof Promise) {
        errors.then((found) => this.proceed(context, found, done)).catch((error: unknown) => this.fail(context, error));
      } else {
        this.proceed(context, errors, done);
      }
    } catch (error) {
      this.fail(context, error);
    }
  };

  fail(context: RequestContext, error: unknown): void {
    this.services.responder.fail(context, error, this.encoder);
  }

  /** Counts the request, a refused one too: guessing keys must not be free. */
  private limit(context: RequestContext, refusal: Error | undefined, done: Done): void {
    const { rateLimiter } = this.services;
    if (rateLimiter === undefined || this.operation.rateLimit === undefined) {
      this.admit(context, refusal, undefined, done);
      return;
    }
    const decision = rateLimiter.consume({
      operation: this.operation,
      rateLimitClass: this.operation.rateLimit,
      principal: context.principal,
      refusal,
      context,
    });
    if (decision instanceof Promise) {
      decision
        .then((result) => this.admit(context, refusal, result, done))
        .catch((error: unknown) => this.fail(context, error));
    } else {
      this.admit(context, refusal, decision, done);
    }
  }

  private admit(
    context: RequestContext,
    refusal: Error | undefined,
    decision: RateLimitDecision | undefined,
    done: Done,
  ): void {
    if (decision !== undefined) {
      for (const name in decision.headers) context.reply.header(name, String(decision.headers[name]));
      if (!decision.allowed) {
        this.fail(context, tooManyRequests(decision));
        return;
      }
    }
    const failure = refusal ?? this.misunderstanding(context);
    if (failure === undefined) done();
    else this.fail(context, failure);
  }

  /** A request whose answer it would not accept, or whose body it sends in a form that the operation does not read. */
  private misunderstanding(context: RequestContext): RequestFailure | undefined {
    const { headers } = context.request;
    if (this.negotiator.available.length > 0) {
      context.accept = this.negotiator.choose(headers.accept);
      if (context.accept === undefined) {
        return new RequestFailure(
          'not_acceptable',
          `The response has none of the media types that Accept admits: it is ${this.negotiator.available.join(' or ')}.`,
          {
            details: { available: this.negotiator.available },
          },
        );
      }
    }
    const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
    if (hasBody && !this.reader.takesMediaType(headers['content-type'], hasBody)) {
      const supported = this.reader.supportedMediaTypes;
      return new RequestFailure('unsupported_media_type', `The request body must be ${supported.join(' or ')}.`, {
        details: { supported },
      });
    }
    const coding = headers['content-encoding'];
    if (hasBody && coding !== undefined && coding.toLowerCase() !== 'identity') {
      return new RequestFailure('unsupported_media_type', 'The request body must have no content coding.', {
        details: { supported: this.reader.supportedMediaTypes },
      });
    }
    return undefined;
  }

  private proceed(context: RequestContext, errors: readonly FieldError[], done: Done): void {
    if (errors.length > 0) {
      this.fail(context, invalidRequest(errors));
      return;
    }
    const { idempotency, around } = this.services;
    if (idempotency !== undefined && this.operation.idempotent) {
      const key = context.request.headers[idempotency.header];
      if (typeof key === 'string' && key !== '') {
        context.wrap = (handler) => this.runOnce(context, idempotency.store, key, handler);
      }
    }
    if (around === undefined) done();
    else around(context, done);
  }

  /** Runs the handler under the idempotency store's protection. */
  private async runOnce(
    context: RequestContext,
    store: IdempotencyStore,
    key: string,
    handler: () => unknown,
  ): Promise<unknown> {
    let response: unknown;
    const outcome = await store.run(
      { key, operation: this.operation, principal: context.principal, fingerprint: fingerprint(context), context },
      async () => {
        response = await handler();
        return this.encoder.toStored(context, response);
      },
    );
    switch (outcome.kind) {
      case 'executed':
        return settle(response);
      case 'replayed':
        context.reply.header('Idempotent-Replayed', 'true');
        return fromStored(outcome.response);
      case 'mismatch':
        throw new RequestFailure('idempotency_key_reused', 'This idempotency key was used for a different request.');
      case 'in_flight': {
        const { retryAfter } = outcome;
        throw new RequestFailure('idempotency_in_flight', 'A request with this idempotency key is still running.', {
          details: retryAfter === undefined ? {} : { retryAfter },
          headers: { 'Retry-After': String(retryAfter ?? 1) },
        });
      }
    }
  }
}

/** Fastify calls it on the reply with whatever a handler, an interceptor or a filter sent. */
function serializerOf(encoder: ResponseEncoder): (this: FastifyReply, payload: unknown) => string {
  return function (payload) {
    if (typeof payload === 'string') return payload;
    // A filter of the application answers an error in its own way.
    if (this.statusCode >= 400 && !isResponse(payload)) {
      if (!this.hasHeader('content-type')) this.header('content-type', 'application/json; charset=utf-8');
      return JSON.stringify(payload);
    }
    // Fastify takes what its `send` takes, though the type of a serializer says text.
    return encoder.encode((this.request as Carrier)[contextKey]!, payload) as string;
  };
}

function isResponse(payload: unknown): boolean {
  return payload instanceof OperationResponse;
}

function fromStored({ status, contentType, body, headers }: StoredResponse): OperationResponse {
  return new OperationResponse(status, contentType, body ?? undefined, headers as ResponseHeaders);
}

function fingerprint({ request }: RequestContext): string {
  const hash = createHash('sha256');
  hash.update(`${request.method} ${request.raw.url ?? ''}\n${request.headers['content-type'] ?? ''}\n`);
  const body = request.body as string | Buffer | null | undefined;
  if (body !== undefined && body !== null) hash.update(body);
  return hash.digest('hex');
}

function invalidRequest(errors: readonly FieldError[]): RequestFailure {
  const [first] = errors as readonly [FieldError];
  const subject = first.field === '' ? 'The request body' : first.field;
  const more = errors.length - 1;
  const message = /^a request body is required$/.test(first.message)
    ? 'A request body is required'
    : `${subject} ${first.message}`;
  const rest = more === 0 ? '' : more === 1 ? ' (and 1 more problem)' : ` (and ${more} more problems)`;
  return new RequestFailure('validation', `${message}${rest}.`, { details: { errors } });
}

function tooManyRequests({ retryAfter, message, details }: RateLimitDecision): RequestFailure {
  return new RequestFailure('rate_limited', message ?? 'Too many requests.', {
    details: { ...(retryAfter === undefined ? {} : { retryAfter }), ...details },
    headers: retryAfter === undefined ? {} : { 'Retry-After': String(Math.max(1, Math.ceil(retryAfter))) },
  });
}

function hasEmptyValue(parameters: Readonly<Record<string, string>>): boolean {
  for (const name in parameters) {
    if (parameters[name] === '') return true;
  }
  return false;
}

function successMediaTypes(operation: OperationDescriptor): string[] {
  const types = Object.entries(operation.responses)
    .filter(([status]) => status.startsWith('2'))
    .flatMap(([, response]) => Object.keys(response.content));
  return [...new Set(types)];
}

function apiKeyParameters(contract: ContractDescriptor, operation: OperationDescriptor): string[] {
  return operation.security
    .flatMap((requirement) => Object.keys(requirement))
    .map((name) => contract.securitySchemes[name])
    .flatMap((scheme) => (scheme?.type === 'apiKey' && scheme.in === 'query' ? [scheme.name ?? ''] : []));
}

/** `Deprecation` (RFC 9745, the date since when; none without one), `Sunset` (RFC 8594, an HTTP date) and where to read on. */
function deprecationHeaders({ deprecated }: OperationDescriptor): (readonly [string, string])[] {
  if (deprecated === undefined) return [];
  const { since, sunset, link } = deprecated;
  const headers: [string, string][] = [];
  if (since !== undefined) headers.push(['Deprecation', `@${Math.trunc(Date.parse(since) / 1000)}`]);
  if (sunset !== undefined) headers.push(['Sunset', new Date(sunset).toUTCString()]);
  if (link !== undefined) headers.push(['Link', `<${link}>; rel="deprecation"`]);
  return headers;
}
