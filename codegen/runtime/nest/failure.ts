/** What the runtime itself refuses. `codes` of the module options names the contract's error code for each kind. */
export type FailureKind =
  | 'validation'
  | 'unauthenticated'
  | 'insufficient_scope'
  | 'forbidden'
  | 'not_found'
  | 'method_not_allowed'
  | 'not_acceptable'
  | 'conflict'
  | 'payload_too_large'
  | 'unsupported_media_type'
  | 'idempotency_key_reused'
  | 'idempotency_in_flight'
  | 'rate_limited'
  | 'internal'
  | 'unavailable';

/** The status of a kind when the contract declares no other one for its code. */
export const defaultStatus: Readonly<Record<FailureKind, number>> = {
  validation: 400,
  unauthenticated: 401,
  insufficient_scope: 403,
  forbidden: 403,
  not_found: 404,
  method_not_allowed: 405,
  not_acceptable: 406,
  conflict: 409,
  payload_too_large: 413,
  unsupported_media_type: 415,
  idempotency_key_reused: 422,
  idempotency_in_flight: 409,
  rate_limited: 429,
  internal: 500,
  unavailable: 503,
};

/** One thing wrong with a request; `field` is a path such as `nodes[2].params.url`, empty for the whole body. */
export interface FieldError {
  readonly field: string;
  readonly message: string;
  readonly location: 'path' | 'query' | 'header' | 'cookie' | 'body';
}

/** Details of the failures that the runtime itself makes, by kind; kinds not listed have none. */
export interface FailureDetails {
  validation: { readonly errors: readonly FieldError[] };
  insufficient_scope: { readonly requiredScopes: readonly string[]; readonly missingScopes: readonly string[] };
  method_not_allowed: { readonly allow: readonly string[] };
  not_acceptable: { readonly available: readonly string[] };
  payload_too_large: { readonly limit: number };
  unsupported_media_type: { readonly supported: readonly string[] };
  idempotency_in_flight: { readonly retryAfter?: number };
  rate_limited: Readonly<Record<string, unknown>>;
}

/** A request that ends in an error response: what an `ErrorFormat` turns into a body. */
export interface Failure {
  /** Undefined for an error that the application threw with a code of its own. */
  readonly kind: FailureKind | undefined;
  readonly status: number;
  /** An error code of the contract. */
  readonly code: string;
  /** For people; never holds a value the client sent. */
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, string>>;
  /** What was thrown, for logs only. */
  readonly cause?: unknown;
}

/** Thrown inside a request, ends it with the failure of that kind; the contract's code is looked up when it is sent. */
export class RequestFailure extends Error {
  readonly kind: FailureKind;
  readonly details: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    kind: FailureKind,
    message: string,
    options: {
      details?: Readonly<Record<string, unknown>> | undefined;
      headers?: Readonly<Record<string, string>> | undefined;
      cause?: unknown;
    } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'RequestFailure';
    this.kind = kind;
    this.details = options.details ?? {};
    this.headers = options.headers ?? {};
  }
}
