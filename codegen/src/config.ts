/** `flowpact.config.ts`: `export default defineConfig({ contracts: [...] })`. Paths are relative to that file. */
export interface FlowpactConfig {
  readonly contracts: readonly ContractConfig[];
  /** Further outputs beside the Nest code of each contract. */
  readonly targets?: readonly TargetConfig[];
  /**
   * Where generated code finds the runtime: a path (`./codegen/runtime/nest/index.ts`) or a package specifier.
   * Default: `@flowpact/codegen/nest`.
   */
  readonly runtimeImport?: string;
  /** Redocly configuration for `flowpact lint`. */
  readonly lintConfig?: string;
}

/** What the generator must know about a contract that OpenAPI has no words for. */
export interface ContractPolicies {
  /** Header parameter that makes an operation idempotent. Default `Idempotency-Key`. */
  readonly idempotencyHeader?: string;
  /** JSON pointer into error bodies, by media type, to the property whose `const` or `enum` lists the error codes. */
  readonly errorCode?: Readonly<Record<string, string>>;
  /** Top-level response properties that the runtime fills in; handlers may leave them out. */
  readonly suppliedProperties?: readonly string[];
  /** Response headers that the runtime sets; handlers do not see them. */
  readonly suppliedHeaders?: readonly string[];
  /** Features, by the code of their error (`unsupported-callbacks`), that may be left out of the output. */
  readonly skip?: readonly string[];
}

export interface ContractConfig extends ContractPolicies {
  readonly name: string;
  /** The OpenAPI document. */
  readonly spec: string;
  /** Folder for the Nest code; it belongs to the generator and is emptied of files that it no longer writes. */
  readonly out: string;
}

export interface TargetConfig {
  /** Name of a registered target, `typescript-sdk`. */
  readonly target: string;
  /** `name` of the contract. */
  readonly contract: string;
  readonly out: string;
  readonly options?: Readonly<Record<string, unknown>>;
}

/** A contract's configuration with defaults filled in and paths made absolute. */
export interface ResolvedContractConfig extends Required<ContractPolicies> {
  readonly name: string;
  readonly spec: string;
  readonly out: string;
  /** Folder of the configuration file; generated headers name paths relative to it. */
  readonly root: string;
  /** An absolute path, or a package specifier. */
  readonly runtimeImport: string;
}

/** Gives a configuration file its types. */
export function defineConfig(config: FlowpactConfig): FlowpactConfig {
  return config;
}
