/**
 * The pattern as JSON Schema wants it, a regular expression of ECMA-262 with the `u` flag (JSON Schema 2020-12 section
 * 6.4). Documents escape characters that need none, which that flag refuses (`\-`, `\_`, `\@`): such escapes are removed.
 * `undefined` when the pattern is in another dialect.
 */
export function unicodePattern(pattern: string): string | undefined {
  if (compiles(pattern)) return pattern;
  const relaxed = withoutNeedlessEscapes(pattern);
  return compiles(relaxed) ? relaxed : undefined;
}

function compiles(pattern: string): boolean {
  try {
    return new RegExp(pattern, 'u') instanceof RegExp;
  } catch {
    return false;
  }
}

function withoutNeedlessEscapes(pattern: string): string {
  let result = '';
  let inClass = false;
  for (let index = 0; index < pattern.length; index += 1) {
    const character = pattern[index]!;
    const next = pattern[index + 1];
    if (character === '\\' && next !== undefined) {
      const needed = /[\w^$\\.*+?()[\]{}|/]/.test(next) && next !== '_' ? true : inClass && next === '-';
      result += needed ? character + next : next;
      index += 1;
      continue;
    }
    if (character === '[') inClass = true;
    if (character === ']') inClass = false;
    result += character;
  }
  return result;
}
