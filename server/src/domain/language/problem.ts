/** One thing that stands between a workflow and its publication. */
export interface DefinitionProblem {
  /** Stable name of the rule, for example `unknown_node_type`. */
  code: string;
  /** Id of the node, where the problem is in one. */
  node?: string;
  /** Id of the edge, where the problem is in one. */
  edge?: string;
  /** Path to the value, for example `nodes[2].params.url`. */
  field: string;
  message: string;
  /** What to do about it. */
  hint: string;
}

/** `nodes[2].params.url` from the keys on the way. */
export function fieldPath(keys: readonly (string | number)[]): string {
  return keys.reduce<string>((path, key) => {
    if (typeof key === 'number') return `${path}[${key}]`;
    const plain = /^[\w$-]+$/.test(key);
    return plain ? (path === '' ? key : `${path}.${key}`) : `${path}[${JSON.stringify(key)}]`;
  }, '');
}
