/** Functions that projections call; later ones call earlier ones. A file gets those that it uses. */
export const PROJECTION_FUNCTIONS: readonly { readonly name: string; readonly text: string }[] = [
  {
    name: 'isObject',
    text: `const isObject = (value) =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
`,
  },
  {
    name: 'keep',
    text: `const keep = (value) => value;
`,
  },
  {
    name: 'escape',
    text: `const escape = (key) => key.replaceAll('~', '~0').replaceAll('/', '~1');
`,
  },
  {
    name: 'reportDropped',
    text: `const reportDropped = (value, out, dropped, path) => {
  for (const key of Object.keys(value)) {
    if (!Object.hasOwn(out, key) && value[key] !== undefined) dropped.push(\`\${path}/\${escape(key)}\`);
  }
};
`,
  },
  {
    name: 'copyOwn',
    text: `/** For names that every object inherits. */
const copyOwn = (value, out, key, project, dropped, path) => {
  if (!Object.hasOwn(value, key)) return;
  const copy = project(value[key], dropped, dropped && \`\${path}/\${key}\`);
  Object.defineProperty(out, key, { value: copy, enumerable: true, configurable: true, writable: true });
};
`,
  },
  {
    name: 'copyOthers',
    text: `const copyOthers = (value, out, project, dropped, path, pattern) => {
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
const merge = (value, out, project, dropped, path) => {
  const inner = dropped && [];
  const copy = project(value, inner, path);
  for (const [key, entry] of Object.entries(copy)) if (!Object.hasOwn(out, key)) out[key] = entry;
  if (dropped) for (const place of inner ?? []) if (place.indexOf('/', path.length + 1) >= 0) dropped.push(place);
};
`,
  },
  {
    name: 'mergeSelected',
    text: `const mergeSelected = (value, out, cases, selected, dropped, path) => {
  const project = cases.get(selected);
  if (project) merge(value, out, project, dropped, path);
};
`,
  },
  {
    name: 'mergeValid',
    text: `const mergeValid = (value, out, alternatives, exclusive, dropped, path) => {
  const valid = alternatives.filter(([project, check]) => check(project(value)));
  const chosen = valid.length === 0 || exclusive ? [valid[0] ?? alternatives[0]] : valid;
  for (const [project] of chosen) merge(value, out, project, dropped, path);
};
`,
  },
  {
    name: 'projectValid',
    text: `const projectValid = (value, alternatives, dropped, path) => {
  const [project] = alternatives.find(([candidate, check]) => check(candidate(value))) ?? alternatives[0];
  return project(value, dropped, path);
};
`,
  },
  {
    name: 'projectTuple',
    text: `const projectTuple = (value, first, rest, dropped, path) => value.map((item, index) => (first[index] ?? rest)(item, dropped, dropped && \`\${path}/\${index}\`));
`,
  },
];
