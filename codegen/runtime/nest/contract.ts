/**
 * What generated code tells the runtime: plain data and compiled functions, one `ContractDescriptor` per contract. The
 * generator's `nest` target prints these; nothing else passes between the two.
 */

export interface ContractDescriptor {
  /** Folder name under `spec/` and `generated/`. */
  readonly name: string;
  /** The bundled OpenAPI document, served as it is. */
  readonly document: Record<string, unknown>;
  readonly operations: Readonly<Record<string, OperationDescriptor>>;
  readonly securitySchemes: Readonly<Record<string, SecuritySchemeDescriptor>>;
}

export type HttpMethod = 'GET' | 'PUT' | 'POST' | 'DELETE' | 'OPTIONS' | 'HEAD' | 'PATCH' | 'TRACE';

export interface OperationDescriptor {
  /** `operationId`, also the name of the controller method. */
  readonly id: string;
  readonly tag: string;
  readonly method: HttpMethod;
  /** OpenAPI path template, `/v1/workflows/{workflow_id}`. */
  readonly path: string;
  readonly request: RequestDescriptor;
  /** Keyed by status (`200`), range (`4XX`) or `default`. */
  readonly responses: Readonly<Record<string, ResponseDescriptor>>;
  /** Alternatives, of which one must hold; each is a set of schemes that must all hold. Empty: public. */
  readonly security: readonly SecurityRequirement[];
  /** Status that each declared error code travels under, read from the error schemas. */
  readonly errors: Readonly<Record<string, number>>;
  /** `x-rate-limit`. */
  readonly rateLimit?: string;
  /** True where the contract declares the configured idempotency header on the operation. */
  readonly idempotent: boolean;
  /** `x-pagination`. */
  readonly pagination?: { readonly kind: 'page' | 'cursor' | 'both' };
  /** `x-body-limit`, bytes. */
  readonly bodyLimit?: number;
  readonly deprecated?: { readonly since?: string; readonly sunset?: string; readonly link?: string };
}

export type SecurityRequirement = Readonly<Record<string, readonly string[]>>;

export interface SecuritySchemeDescriptor {
  readonly type: 'apiKey' | 'http' | 'oauth2' | 'openIdConnect' | 'mutualTLS';
  readonly in?: 'header' | 'query' | 'cookie';
  /** Header, query parameter or cookie that holds an `apiKey`. */
  readonly name?: string;
  /** `bearer`, `basic` of an `http` scheme. */
  readonly scheme?: string;
}

export interface RequestDescriptor {
  readonly path: ParameterGroup;
  readonly query: ParameterGroup;
  readonly headers: ParameterGroup;
  readonly cookies: ParameterGroup;
  readonly body?: BodyDescriptor;
}

/** The parameters of one location; `validate` takes the decoded object and fills in defaults. */
export interface ParameterGroup {
  readonly parameters: readonly ParameterDescriptor[];
  readonly validate?: Validator;
}

export interface ParameterDescriptor {
  readonly name: string;
  readonly required: boolean;
  readonly style: 'matrix' | 'label' | 'simple' | 'form' | 'spaceDelimited' | 'pipeDelimited' | 'deepObject';
  readonly explode: boolean;
  /** Set when the parameter uses `content` instead of `schema`. */
  readonly content?: string;
  readonly shape: Shape;
}

/** How the text of a parameter becomes a value, taken from its schema. */
export type Shape =
  | { readonly kind: 'primitive'; readonly types: readonly ('string' | 'number' | 'integer' | 'boolean' | 'null')[] }
  | { readonly kind: 'array'; readonly items: Shape }
  | { readonly kind: 'object'; readonly properties: Readonly<Record<string, Shape>>; readonly additional?: Shape };

export interface BodyDescriptor {
  readonly required: boolean;
  /** Keyed by media type as declared. */
  readonly content: Readonly<Record<string, BodyMediaDescriptor>>;
}

export interface BodyMediaDescriptor {
  readonly kind: MediaKind;
  readonly validate?: Validator;
  /** How the text fields of a `form` or `multipart` body become values. */
  readonly shape?: Shape;
}

/**
 * How a body is read and written. `text` is a string as it stands; `encoded` is text of a format with a data model of its own
 * (YAML, CSV), whose schema describes the value: an application brings its codec.
 */
export type MediaKind = 'json' | 'text' | 'encoded' | 'form' | 'multipart' | 'binary' | 'event-stream';

export interface ResponseDescriptor {
  readonly headers: Readonly<Record<string, { readonly required: boolean; readonly validate?: Validator }>>;
  readonly content: Readonly<Record<string, ResponseMediaDescriptor>>;
}

export interface ResponseMediaDescriptor {
  readonly kind: MediaKind;
  /** Top-level properties of this body that the runtime fills in (the configured `suppliedProperties` it declares). */
  readonly supplied?: readonly string[];
  /**
   * Checks a body as it will be sent (after `project`), for the response-validation mode. For an `event-stream` both look
   * at the `data` of one event.
   */
  readonly validate?: Validator;
  /** Copies what the schema declares and nothing else; collects the paths of what it dropped. */
  readonly project?: (body: unknown, dropped?: string[]) => unknown;
}

/** The shape of an AJV standalone validator. */
export interface Validator {
  (data: unknown): boolean;
  errors?: readonly ValidationIssue[] | null;
}

export interface ValidationIssue {
  readonly instancePath: string;
  readonly keyword: string;
  readonly params: Record<string, unknown>;
  readonly message?: string;
}
