/** Types of what projections call. */
export const PROJECTION_TYPES = [
  {
    name: 'Project',
    text: 'type Project = (value: unknown, dropped?: string[], path?: string) => unknown;\n',
  },
  {
    name: 'Alternative',
    text: 'type Alternative = readonly [Project, (value: unknown) => boolean];\n',
  },
];

/** Functions that projections call; later ones call earlier ones. A file gets those that it uses. */
export const PROJECTION_FUNCTIONS: readonly { readonly name: string; readonly text: string }[] = [
  {
    name: 'isObject',
    text: `const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
`,
  },
  {
    name: 'keep',
    text: `const keep = (value: unknown): unknown => value;
`,
  },
  {
    name: 'escape',
    text: `const escape = (key: string): string => key.replaceAll('~', '~0').replaceAll('/', '~1');
`,
  },
  {
    name: 'reportDropped',
    text: `const reportDropped = (value: object, out: object, dropped: string[], path: string): void => {
  for (const key of Object.keys(value)) {
    if (!Object.hasOwn(out, key) && (value as Record<string, unknown>)[key] !== undefined) dropped.push(\`\${path}/\${escape(key)}\`);
  }
};
`,
  },
  {
    name: 'copyOwn',
    text: `/** For names that every object inherits. */
const copyOwn = (
  value: Record<string, unknown>,
  out: Record<string, unknown>,
  key: string,
  project: Project,
  dropped: string[] | undefined,
  path: string,
): void => {
  if (!Object.hasOwn(value, key)) return;
  const copy = project(value[key], dropped, dropped && \`\${path}/\${key}\`);
  Object.defineProperty(out, key, { value: copy, enumerable: true, configurable: true, writable: true });
};
`,
  },
  {
    name: 'copyOthers',
    text: `const copyOthers = (
  value: Record<string, unknown>,
  out: Record<string, unknown>,
  project: Project,
  dropped: string[] | undefined,
  path: string,
  pattern?: RegExp,
): void => {
  for (const key of Object.keys(value)) {
    if (Object.hasOwn(out, key) || value[key] === undefined || (pattern && !pattern.test(key))) continue;
    const copy = project(value[key], dropped, dropped && \`\${path}/\${escape(key)}\`);
    Object.defineProperty(out, key, { value: copy, enumerable: true, configurable: true, writable: true });
  }
};
`,
  },
  {
    name: 'merge',
    text: `/** Adds what one alternative declares; what it dropped at this level another part of the schema may still declare. */
const merge = (
  value: Record<string, unknown>,
  out: Record<string, unknown>,
  project: Project,
  dropped: string[] | undefined,
  path: string,
): void => {
  const inner: string[] | undefined = dropped && [];
  const copy = project(value, inner, path);
  for (const [key, entry] of Object.entries(copy as object)) if (!Object.hasOwn(out, key)) out[key] = entry;
  if (dropped) for (const place of inner ?? []) if (place.indexOf('/', path.length + 1) >= 0) dropped.push(place);
};
`,
  },
  {
    name: 'mergeSelected',
    text: `const mergeSelected = (
  value: Record<string, unknown>,
  out: Record<string, unknown>,
  cases: ReadonlyMap<unknown, Project>,
  selected: unknown,
  dropped: string[] | undefined,
  path: string,
): void => {
  const project = cases.get(selected);
  if (project) merge(value, out, project, dropped, path);
};
`,
  },
  {
    name: 'mergeValid',
    text: `const mergeValid = (
  value: Record<string, unknown>,
  out: Record<string, unknown>,
  alternatives: readonly Alternative[],
  exclusive: boolean,
  dropped: string[] | undefined,
  path: string,
): void => {
  const valid = alternatives.filter(([project, check]) => check(project(value)));
  const chosen = valid.length === 0 || exclusive ? [valid[0] ?? alternatives[0]!] : valid;
  for (const [project] of chosen) merge(value, out, project, dropped, path);
};
`,
  },
  {
    name: 'projectValid',
    text: `const projectValid = (
  value: unknown,
  alternatives: readonly Alternative[],
  dropped: string[] | undefined,
  path: string,
): unknown => {
  const [project] = alternatives.find(([candidate, check]) => check(candidate(value))) ?? alternatives[0]!;
  return project(value, dropped, path);
};
`,
  },
  {
    name: 'projectTuple',
    text: `const projectTuple = (
  value: readonly unknown[],
  first: readonly Project[],
  rest: Project,
  dropped: string[] | undefined,
  path: string,
): unknown => value.map((item, index) => (first[index] ?? rest)(item, dropped, dropped && \`\${path}/\${index}\`));
`,
  },
];
