/** Ids that the translation makes up from where a part stands, so that equal parts differ. */
const madeUpId = /^[0-9a-f]{13}$/;

/**
 * The same JSON value with each of its equal parts there once, and without made-up ids. Prism compiles a schema for each
 * object that holds one, and most operations have the same answers to what goes wrong.
 */
export function shareEqualParts<T>(value: T): T {
  const parts = new Map<string, object>();
  const numbers = new Map<object, number>();
  /** Names a part by what it is made of. */
  const nameOf = (part: unknown): string =>
    typeof part === 'object' && part !== null ? `#${numbers.get(part)}` : String(JSON.stringify(part));
  const once = (part: object, name: string): object => {
    const known = parts.get(name);
    if (known) return known;
    parts.set(name, part);
    numbers.set(part, numbers.size);
    return part;
  };
  const share = (part: unknown): unknown => {
    if (typeof part !== 'object' || part === null) return part;
    if (Array.isArray(part)) {
      const items = part.map(share);
      return once(items, `[${items.map(nameOf).join()}]`);
    }
    const members = Object.entries(part)
      .filter(([name, member]) => !isMadeUp(name, member))
      .map(([name, member]) => [name, share(member)] as const);
    const name = members.map(([key, member]) => `${JSON.stringify(key)}:${nameOf(member)}`).join();
    return once(Object.fromEntries(members), `{${name}}`);
  };
  return share(value) as T;
}

function isMadeUp(name: string, member: unknown): boolean {
  if (name === 'x-stoplight') return true;
  return name === 'id' && typeof member === 'string' && madeUpId.test(member);
}
