import type { Node } from './location.ts';
import type { Operation, RequestBody } from './operation.ts';
import type { NamedSchema } from './schema.ts';

/** One contract, read and checked: what targets print from, beside the names in the plan. */
export interface Contract {
  /** Folder name under `spec/` and `generated/`. */
  readonly name: string;
  /** File that was loaded, relative to the working directory; generated headers name it. */
  readonly source: string;
  /** The bundled document; an OpenAPI 3.0 document has been upgraded to 3.1. Never mutate it. */
  readonly document: Readonly<Record<string, unknown>>;
  readonly title: string;
  readonly version: string;
  readonly description?: string;
  readonly servers: readonly { readonly url: string; readonly description?: string }[];
  /** Declared tags first, in document order, then those only operations name. */
  readonly tags: readonly Tag[];
  /** In document order. */
  readonly operations: readonly Operation[];
  readonly webhooks: readonly Webhook[];
  readonly securitySchemes: readonly SecurityScheme[];
  /** Every schema that can be the target of a `Schema.ref`, by pointer, in document order. */
  readonly schemas: ReadonlyMap<string, NamedSchema>;
}

export interface Tag {
  readonly name: string;
  readonly description?: string;
}

/** A request that the server sends (OpenAPI 3.1 `webhooks`). */
export interface Webhook extends Node {
  /** Key in `webhooks`. */
  readonly name: string;
  readonly summary?: string;
  readonly description?: string;
  readonly requestBody?: RequestBody;
}

/** OpenAPI 3.1 section 4.8.27. */
export interface SecurityScheme extends Node {
  /** Key in `components.securitySchemes`. */
  readonly key: string;
  readonly type: 'apiKey' | 'http' | 'oauth2' | 'openIdConnect' | 'mutualTLS';
  readonly description?: string;
  readonly in?: 'header' | 'query' | 'cookie';
  /** Header, query parameter or cookie of an `apiKey`. */
  readonly name?: string;
  /** `bearer`, `basic`, lower case. */
  readonly scheme?: string;
  readonly bearerFormat?: string;
}
