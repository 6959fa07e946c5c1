/**
 * The values of a template's names in a path, `{}` where there is no template, undefined where it does not fit. A path
 * that ends in a slash is the same as without.
 */
export function matchPath(template: string | null, path: string): Record<string, string> | undefined {
  if (template === null) return {};
  const wanted = template.split('/');
  const given = path.replace(/\/$/, '').split('/');
  if (wanted.length !== given.length) return undefined;
  const params: Record<string, string> = {};
  for (const [index, part] of wanted.entries()) {
    const value = given[index]!;
    const name = /^\{(.+)\}$/.exec(part)?.[1];
    if (name === undefined ? part !== value : value === '') return undefined;
    if (name !== undefined) params[name] = value;
  }
  return params;
}
