import type { Problems } from '../../problems.ts';

/** What the target must know about a contract that OpenAPI has no words for. */
export interface TypeScriptSdkOptions {
  /** Where the printed resources find the SDK's handwritten core, relative to the output folder or a package. */
  readonly coreImport: string;
  /** Top-level properties of success bodies; a body that has both is unwrapped to `data`. Absent: bodies as they are. */
  readonly envelope?: { readonly data: string; readonly meta: string };
  readonly requestIdHeader: string;
  /** JSON pointers into error bodies, by media type. */
  readonly errors: Readonly<Record<string, ErrorPointers>>;
  readonly pagination?: PaginationNames;
  /** Method names by operation, where the derived one is not the best. */
  readonly methods: Readonly<Record<string, string>>;
  /** By operation, the events after which a stream has ended. */
  readonly lastEvents: Readonly<Record<string, { readonly property: string; readonly values: readonly string[] }>>;
}

/** Where an error body of one media type says what; what is absent is not told. */
export interface ErrorPointers {
  readonly code?: string;
  readonly message?: string;
  readonly details?: string;
  readonly problems?: string;
  readonly requestId?: string;
}

/** How lists of the contract name their pages and cursors. */
export interface PaginationNames {
  /** Top-level property beside the items that tells where the page stands. */
  readonly property: string;
  readonly page: { readonly parameter: string; readonly current: string; readonly hasNext: string };
  readonly cursor: { readonly parameter: string; readonly next: string };
}

const defaults: TypeScriptSdkOptions = {
  coreImport: '../core/index.ts',
  requestIdHeader: 'X-Request-Id',
  errors: { 'application/problem+json': { code: '/type', message: '/detail' } },
  methods: {},
  lastEvents: {},
};

/** Options with defaults filled in; reports names that the target does not know. */
export function readOptions(given: Readonly<Record<string, unknown>>, problems: Problems): TypeScriptSdkOptions {
  const known = new Set([...Object.keys(defaults), 'envelope', 'pagination']);
  for (const name of Object.keys(given).filter((name) => !known.has(name))) {
    problems.add({
      code: 'unknown-target-option',
      message: `the target typescript-sdk has no option "${name}"`,
      hint: `it takes ${[...known].join(', ')}`,
    });
  }
  return { ...defaults, ...given };
}
