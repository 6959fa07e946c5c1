import type { Node } from './location.ts';

export type JsonType = 'null' | 'boolean' | 'object' | 'array' | 'number' | 'integer' | 'string';

/**
 * A Schema Object (OpenAPI 3.1 section 4.8.24). Only what shapes a value is spelled out; `json` has everything else.
 * Recursion is possible only through `ref`, which names its target instead of holding it.
 */
export interface Schema extends Node {
  /** Set for the boolean schemas `true` and `false`; every other field is then empty. */
  readonly boolean?: boolean;
  /**
   * Pointer of the referenced schema; look it up with `Contract.schemas`. The other fields are the siblings of `$ref`
   * and hold as well (JSON Schema 2020-12 section 8.2.3).
   */
  readonly ref?: string;
  /** Absent when the schema does not restrict the type. */
  readonly types?: readonly JsonType[];
  readonly format?: string;
  readonly title?: string;
  readonly description?: string;
  readonly enum?: readonly unknown[];
  /** Wrapped, because `const: null` is meaningful. */
  readonly const?: { readonly value: unknown };
  readonly default?: { readonly value: unknown };
  readonly properties: readonly Property[];
  /** Names in `required`, also those without an entry in `properties`. */
  readonly required: readonly string[];
  readonly patternProperties: readonly { readonly pattern: string; readonly schema: Schema }[];
  readonly additionalProperties?: Schema;
  readonly unevaluatedProperties?: Schema;
  readonly prefixItems: readonly Schema[];
  readonly items?: Schema;
  readonly allOf: readonly Schema[];
  readonly oneOf: readonly Schema[];
  readonly anyOf: readonly Schema[];
  readonly discriminator?: Discriminator;
  /** Subschemas under `if`, `then`, `else`, `not`, `contains`, `dependentSchemas`, ...; they may declare properties too. */
  readonly conditions: readonly { readonly keyword: string; readonly schema: Schema }[];
  readonly readOnly: boolean;
  readonly writeOnly: boolean;
  readonly deprecated: boolean;
  /** The schema as it stands in the bundled document. */
  readonly json: unknown;
}

export interface Property {
  readonly name: string;
  readonly required: boolean;
  readonly schema: Schema;
}

/** OpenAPI 3.1 section 4.8.25. */
export interface Discriminator {
  readonly property: string;
  /** Value of the property -> pointer of the schema; explicit mappings first, then the implicit ones by component name. */
  readonly mapping: ReadonlyMap<string, string>;
}

/** A schema that others refer to: an entry of `components.schemas`, or any other target of a `$ref`. */
export interface NamedSchema {
  readonly pointer: string;
  /** Key in `components.schemas`; for any other target the last meaningful word of its pointer. */
  readonly name: string;
  /** False when the schema is a `$ref` target outside `components.schemas`. */
  readonly component: boolean;
  readonly schema: Schema;
}
