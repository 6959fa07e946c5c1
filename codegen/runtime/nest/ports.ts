import type { ContractDescriptor, OperationDescriptor } from './contract.ts';
import type { Failure } from './failure.ts';
import type { RequestContext } from './request-context.ts';

/** Who is calling, as an `Authenticator` found it. Applications add what they need. */
export interface Principal {
  /** What the caller may do, compared with the scopes that the contract's `security` names. */
  readonly scopes?: readonly string[] | ReadonlySet<string>;
}

/** What a request carries for one security scheme, already taken out of its header, query parameter or cookie. */
export type Credential =
  | { readonly scheme: string; readonly type: 'apiKey' | 'bearer' | 'other'; readonly value: string }
  | {
      readonly scheme: string;
      readonly type: 'basic';
      readonly value: string;
      readonly username: string;
      readonly password: string;
    };

/**
 * Checks the credential of one security scheme.
 *
 * Resolves to the principal; to `undefined` for a credential that is simply not valid (code of `unauthenticated`); throws
 * an error with a string `code` that the operation declares (`expired_api_key`) to say more. May answer synchronously.
 */
export interface Authenticator<P extends Principal = Principal> {
  /** Further headers, query parameters or cookies of an `apiKey` scheme, read where the one the contract names is absent. */
  readonly names?: readonly string[];
  authenticate(credential: Credential, context: RequestContext): P | undefined | Promise<P | undefined>;
}

export interface RateLimitRequest {
  readonly operation: OperationDescriptor;
  /** `x-rate-limit` of the operation. */
  readonly rateLimitClass: string | undefined;
  /** Undefined for a public operation and for a request whose credentials were refused. */
  readonly principal: Principal | undefined;
  /** What the request will be refused with if the limit lets it through, such as the error about its credentials. */
  readonly refusal: Error | undefined;
  readonly context: RequestContext;
}

export interface RateLimitDecision {
  readonly allowed: boolean;
  /** Set on the response whatever the decision. */
  readonly headers?: Readonly<Record<string, string | number>>;
  /** Seconds, for `Retry-After` of a refusal. */
  readonly retryAfter?: number;
  /** Message and details of the error body of a refusal. */
  readonly message?: string;
  readonly details?: Readonly<Record<string, unknown>>;
}

/** Counts a request; asked once for each request to an operation, after authentication and before anything is parsed. */
export interface RateLimiter {
  consume(request: RateLimitRequest): RateLimitDecision | Promise<RateLimitDecision>;
}

/** A response as it can be stored: `body` is JSON, already reduced to what the contract declares. */
export interface StoredResponse {
  readonly status: number;
  readonly contentType?: string | undefined;
  readonly headers: Readonly<Record<string, string | number | readonly string[]>>;
  readonly body: unknown;
}

export interface IdempotentRequest {
  readonly key: string;
  readonly operation: OperationDescriptor;
  readonly principal: Principal | undefined;
  /** SHA-256 (hex) of method, URL, content type and raw body: equal for a repetition, different for another request. */
  readonly fingerprint: string;
  readonly context: RequestContext;
}

export type IdempotencyOutcome =
  | { readonly kind: 'executed'; readonly response: StoredResponse }
  | { readonly kind: 'replayed'; readonly response: StoredResponse }
  | { readonly kind: 'mismatch' }
  /** The first request with this key is still running; `retryAfter` in seconds. */
  | { readonly kind: 'in_flight'; readonly retryAfter?: number };

/**
 * Wraps the handler of an operation that declares the idempotency header, when the request carries it. `execute` runs the
 * handler and must be called at most once; a store may open a transaction around it, so that the effect and the stored
 * response are kept or lost together. When `execute` rejects, nothing is to be stored and the rejection passed on.
 */
export interface IdempotencyStore {
  run(request: IdempotentRequest, execute: () => Promise<StoredResponse>): Promise<IdempotencyOutcome>;
}

/** Makes the bodies of error responses. The first media type is the one for clients that do not ask for another. */
export interface ErrorFormat {
  readonly bodies: Readonly<Record<string, (failure: Failure, context: RequestContext) => unknown>>;
}

/** Turns the text of an `encoded` media type into a value and back (YAML, CSV). `decode` throws on malformed text. */
export interface MediaTypeCodec {
  decode?(text: string): unknown;
  encode?(value: unknown): string;
}

/** Told what happens; every method is optional and must not throw. Without one the runtime writes to Nest's Logger. */
export interface RuntimeObserver {
  /** An error that the contract does not declare, answered with the code of `internal`. */
  unexpectedError?(error: unknown, context: RequestContext): void;
  /** A response that does not match the contract, in `log` and `throw` mode. */
  invalidResponse?(problems: readonly string[], context: RequestContext): void;
  /** Any error response, expected ones too. */
  failure?(failure: Failure, context: RequestContext): void;
}

/** One contract that the application serves, and what is particular to it. */
export interface ContractBinding {
  readonly descriptor: ContractDescriptor;
  readonly errors: ErrorFormat;
  /** Values of the top-level response properties that the generator was told are supplied. */
  readonly supply?: Readonly<Record<string, (context: RequestContext) => unknown>>;
}
