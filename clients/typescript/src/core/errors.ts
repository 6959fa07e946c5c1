/** Every error of this SDK. No message, cause or property of one holds a credential. */
export class FlowpactError extends Error {
  override get name(): string {
    return this.constructor.name;
  }
}

export interface Problem {
  /** Path of the field, as the server names it. */
  readonly field?: string;
  readonly message: string;
  /** `body`, `query`, `path` or `headers`. */
  readonly location?: string;
}

export interface APIErrorFields {
  readonly status: number;
  readonly code: string | undefined;
  readonly message: string;
  readonly requestId: string | undefined;
  readonly details: Readonly<Record<string, unknown>>;
  readonly problems: readonly Problem[];
  readonly headers: Headers;
  readonly body: unknown;
  /** `operationId` of the call. */
  readonly operation: string;
  readonly retryAfter: number | undefined;
}

/** The server answered with an error; subclasses tell the statuses apart. */
export class APIError extends FlowpactError {
  readonly status: number;
  /** Stable code of the contract, `resource_not_found`; undefined where the answer had none. */
  readonly code: string | undefined;
  /** Quote it when asking for help. */
  readonly requestId: string | undefined;
  readonly details: Readonly<Record<string, unknown>>;
  readonly headers: Headers;
  /** Body of the answer, parsed if it was JSON. */
  readonly body: unknown;
  readonly operation: string;

  constructor(fields: APIErrorFields) {
    const code = fields.code === undefined ? '' : ` ${fields.code}`;
    const request = fields.requestId === undefined ? '' : ` (request ${fields.requestId})`;
    super(`${fields.status}${code}: ${fields.message}${request}`);
    this.status = fields.status;
    this.code = fields.code;
    this.requestId = fields.requestId;
    this.details = fields.details;
    this.headers = fields.headers;
    this.body = fields.body;
    this.operation = fields.operation;
  }

  /** The class that stands for the status. */
  static from(fields: APIErrorFields): APIError {
    const ErrorClass = classOfStatus[fields.status] ?? (fields.status >= 500 ? ServerError : APIError);
    return new ErrorClass(fields);
  }
}

/** 400: the request does not fit the contract; `problems` lists every reason. */
export class ValidationError extends APIError {
  readonly problems: readonly Problem[];

  constructor(fields: APIErrorFields) {
    super(fields);
    this.problems = fields.problems;
  }
}

/** 401: no credential, or one that is wrong, expired or revoked. */
export class AuthenticationError extends APIError {}

/** 403: the credential lacks a scope. */
export class PermissionError extends APIError {
  get requiredScopes(): readonly string[] {
    return strings(this.details.required_scopes);
  }

  get missingScopes(): readonly string[] {
    return strings(this.details.missing_scopes);
  }
}

/** 404: it does not exist, or belongs to another organisation. */
export class NotFoundError extends APIError {}

/** 409: the state of the thing does not allow it now. */
export class ConflictError extends APIError {}

/** 422: understood and refused, such as an idempotency key used again with another body. */
export class UnprocessableError extends APIError {}

/** 429: over the limit of the key or the plan. */
export class RateLimitError extends APIError {
  /** Seconds to wait, where the server said so. */
  readonly retryAfter: number | undefined;

  constructor(fields: APIErrorFields) {
    super(fields);
    this.retryAfter = fields.retryAfter;
  }
}

/** 5xx. */
export class ServerError extends APIError {}

/** No complete answer arrived: refused, reset, name not found, broken off. */
export class ConnectionError extends FlowpactError {}

/** No answer within the time allowed. */
export class TimeoutError extends ConnectionError {}

/** An event stream broke and could not be taken up again. */
export class StreamError extends ConnectionError {}

/** The caller's `AbortSignal` fired; its reason is the cause. */
export class AbortError extends FlowpactError {
  override get name(): string {
    return 'AbortError';
  }
}

const classOfStatus: Readonly<Record<number, new (fields: APIErrorFields) => APIError>> = {
  400: ValidationError,
  401: AuthenticationError,
  403: PermissionError,
  404: NotFoundError,
  409: ConflictError,
  422: UnprocessableError,
  429: RateLimitError,
};

function strings(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((entry) => typeof entry === 'string') : [];
}
