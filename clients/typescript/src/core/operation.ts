/** What the generated part tells the runtime about one operation of the contract: plain data. */
export interface Operation {
  /** `operationId`. */
  readonly id: string;
  readonly method: string;
  /** OpenAPI path template, `/v1/workflows/{workflow_id}`. */
  readonly path: string;
  readonly query: readonly QueryParameter[];
  readonly body?: RequestBody;
  /** Success bodies, keyed by media type as declared; empty where the operation answers nothing. */
  readonly responses: Readonly<Record<string, ResponseContent>>;
  /** Alternatives, of which one must hold; each names the schemes that must all hold. Empty: public. */
  readonly security: readonly (readonly string[])[];
  /** The contract declares the idempotency header on it: one key per logical call, kept over retries. */
  readonly idempotent: boolean;
}

export interface QueryParameter {
  readonly name: string;
  readonly style: 'form' | 'spaceDelimited' | 'pipeDelimited' | 'deepObject';
  readonly explode: boolean;
}

export interface RequestBody {
  /** Media types in the order of the contract; the first is the default. */
  readonly contentTypes: readonly string[];
  /** `merged`: the call's parameters without those of the query are the body. `property`: it is under `body`. */
  readonly from: 'merged' | 'property' | 'whole';
}

export interface ResponseContent {
  /** The events of a `json-event-stream` carry JSON whose shape the contract gives; other events are handed out raw. */
  readonly kind: 'json' | 'text' | 'binary' | 'event-stream' | 'json-event-stream';
  /** The body wraps its result as `Wire.envelope` says. */
  readonly envelope: boolean;
}

/** How the contract wraps results, errors and pages; printed from the configuration of the generator's target. */
export interface Wire {
  readonly envelope: { readonly data: string; readonly meta: string; readonly requestId?: string };
  readonly idempotencyHeader: string;
  readonly requestIdHeader: string;
  readonly pagination: PaginationWire;
  /** Keyed by media type of the error body. */
  readonly errors: Readonly<Record<string, ErrorWire>>;
  readonly securitySchemes: Readonly<Record<string, SecurityScheme>>;
}

/** JSON pointers into an error body. */
export interface ErrorWire {
  readonly code?: string;
  readonly message?: string;
  readonly details?: string;
  readonly problems?: string;
  readonly requestId?: string;
}

/** Names of the fields and query parameters that turn pages. */
export interface PaginationWire {
  readonly property: string;
  readonly page: { readonly parameter: string; readonly current: string; readonly hasNext: string };
  readonly cursor: { readonly parameter: string; readonly next: string };
}

export interface SecurityScheme {
  readonly type: string;
  readonly in?: string;
  readonly name?: string;
  readonly scheme?: string;
}

/** Parameters of one call, by where they travel; `params` is split into query and body by the operation. */
export interface CallInput {
  readonly path?: Readonly<Record<string, string | number | boolean>>;
  readonly params?: unknown;
}

/** Settings of one call; they win over those of the client. */
export interface RequestOptions {
  /** Milliseconds each attempt may take, body included. */
  timeout?: number;
  /** Attempts after the first. */
  maxRetries?: number;
  signal?: AbortSignal;
  headers?: Record<string, string | undefined>;
  /** Sent instead of a generated key where the operation takes one. */
  idempotencyKey?: string;
  /** Query parameters that the generated types do not name. */
  query?: Record<string, unknown>;
  /** Media type of the request body, where the operation takes several. */
  contentType?: string;
  /** Media type to ask for, where the operation answers in several. */
  accept?: string;
}

/** What can be sent as a body that is neither JSON nor text. */
export type BinaryBody = NonNullable<RequestInit['body']>;

/** Query parameters of a call; where the contract takes a list, one value will do. */
export type QueryParams<Query> = {
  [Name in keyof NonNullable<Query>]: NonNullable<Query>[Name] extends readonly (infer Item)[] | undefined
    ? NonNullable<Query>[Name] | Item
    : NonNullable<Query>[Name];
};
