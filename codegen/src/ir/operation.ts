import type { Node } from './location.ts';
import type { Schema } from './schema.ts';

export type HttpMethod = 'GET' | 'PUT' | 'POST' | 'DELETE' | 'OPTIONS' | 'HEAD' | 'PATCH' | 'TRACE';

export type ParameterStyle = 'matrix' | 'label' | 'simple' | 'form' | 'spaceDelimited' | 'pipeDelimited' | 'deepObject';

/**
 * How the bytes of a media type become a value. `text` is a string as it stands; `encoded` is text of a format with a data
 * model of its own (YAML, CSV), whose schema describes the decoded value.
 */
export type MediaKind = 'json' | 'text' | 'encoded' | 'form' | 'multipart' | 'binary' | 'event-stream';

/** An Operation Object with what it inherits from its path item and from the document (OpenAPI 3.1 section 4.8.10). */
export interface Operation extends Node {
  /** `operationId` as written; the plan gives a usable name to each operation. */
  readonly operationId?: string;
  readonly method: HttpMethod;
  /** Path template, `/v1/workflows/{workflow_id}`. */
  readonly path: string;
  readonly tags: readonly string[];
  readonly summary?: string;
  readonly description?: string;
  readonly deprecated?: Deprecation;
  /** Those of the path item included; header parameters that OpenAPI says to ignore (Accept, ...) left out. */
  readonly parameters: readonly Parameter[];
  readonly requestBody?: RequestBody;
  /** In document order. */
  readonly responses: readonly Response[];
  /** Alternatives, each a set of schemes that must all hold. Empty: public. An empty set among them: optional. */
  readonly security: readonly SecurityRequirement[];
  readonly policies: Policies;
  /** All `x-` fields. */
  readonly extensions: Readonly<Record<string, unknown>>;
}

/** `deprecated: true` with `x-deprecated-since`, `x-sunset` (dates) and `x-deprecation-link`. */
export interface Deprecation {
  readonly since?: string;
  readonly sunset?: string;
  readonly link?: string;
}

/** What the contract's extensions say about an operation. */
export interface Policies {
  /** `x-rate-limit`: name of a class. */
  readonly rateLimit?: string;
  /** `x-pagination`. */
  readonly pagination?: 'page' | 'cursor' | 'both';
  /** `x-body-limit`, bytes. */
  readonly bodyLimit?: number;
  /** True when the operation declares the header parameter that the configuration calls `idempotencyHeader`. */
  readonly idempotent: boolean;
}

export interface SecurityRequirement {
  readonly schemes: readonly { readonly scheme: string; readonly scopes: readonly string[] }[];
}

/** A Parameter Object (OpenAPI 3.1 section 4.8.12), with `style` and `explode` filled in. */
export interface Parameter extends Node {
  /** Key in `components.parameters` when it was referenced. */
  readonly component?: string;
  readonly name: string;
  readonly in: 'path' | 'query' | 'header' | 'cookie';
  readonly required: boolean;
  readonly deprecated: boolean;
  readonly description?: string;
  readonly style: ParameterStyle;
  readonly explode: boolean;
  /** Set when the parameter uses `content`; `schema` is then the schema of that media type. */
  readonly mediaType?: string;
  readonly schema: Schema;
}

export interface RequestBody extends Node {
  readonly component?: string;
  readonly required: boolean;
  readonly description?: string;
  readonly content: readonly MediaType[];
}

/** A Media Type Object with its key. */
export interface MediaType extends Node {
  /** As declared, `application/json; charset=utf-8` or `text/*`. */
  readonly name: string;
  readonly kind: MediaKind;
  readonly schema?: Schema;
  /** `x-event-schema`: the JSON in the `data:` of each event of a `text/event-stream`. */
  readonly eventSchema?: Schema;
}

export interface Response extends Node {
  /** Key in `components.responses` when it was referenced; such a response is printed once and reused. */
  readonly component?: string;
  /** `200`, a range `4XX` (always upper case), or `default`. */
  readonly status: string;
  readonly description: string;
  readonly headers: readonly Header[];
  readonly content: readonly MediaType[];
}

export interface Header extends Node {
  readonly name: string;
  readonly required: boolean;
  readonly deprecated: boolean;
  readonly description?: string;
  readonly explode: boolean;
  readonly schema: Schema;
}
