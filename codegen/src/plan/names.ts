/** `list-users`, `listUsers`, `LIST_USERS` and `list users` have the same words. */
export function words(text: string): readonly string[] {
  return (
    text
      .normalize('NFKD')
      .replace(/[\u0300-\u036f']/g, '')
      .match(/\p{Lu}+(?!\p{Ll})|\p{Lu}?\p{Ll}+|\p{Lo}+|\d+/gu) ?? []
  );
}

export function pascalCase(text: string): string {
  return leadingLetter(words(text).map(capitalise).join(''), '_');
}

export function camelCase(text: string): string {
  const [first = '', ...rest] = words(text);
  return leadingLetter(first.toLowerCase() + rest.map(capitalise).join(''), '_');
}

export function kebabCase(text: string): string {
  return words(text)
    .map((word) => word.toLowerCase())
    .join('-');
}

function capitalise(word: string): string {
  const rest = word.slice(1);
  return word.slice(0, 1).toUpperCase() + (rest === rest.toUpperCase() ? rest.toLowerCase() : rest);
}

function leadingLetter(name: string, prefix: string): string {
  return /^\d/.test(name) ? prefix + name : name;
}

/** An identifier as it stands; used to keep names that need no change. */
export function isIdentifier(text: string): boolean {
  return /^[\p{ID_Start}_$][\p{ID_Continue}$]*$/u.test(text) && !RESERVED_WORDS.has(text);
}

const RESERVED_WORDS = new Set(
  (
    'abstract any arguments as async await bigint boolean break case catch class const constructor continue debugger ' +
    'declare default delete do else enum eval export extends false finally for from function get global if ' +
    'implements import in instanceof interface is keyof let module namespace never new null number object of package ' +
    'private protected prototype public readonly require return set static string super switch symbol then this ' +
    'throw true try type typeof undefined union unique unknown using var void while with yield'
  ).split(' '),
);

/** Hands out names that are unique, comparing without case so that they can be file names too. */
export class Scope {
  readonly #taken: Set<string>;

  constructor(reserved: readonly string[] = []) {
    this.#taken = new Set(reserved.map((name) => name.toLowerCase()));
  }

  /** The first free one of `candidates`, else the last with a number. */
  claim(...candidates: readonly [string, ...string[]]): string {
    const last = candidates[candidates.length - 1] ?? candidates[0];
    let name = candidates.find((candidate) => !this.#taken.has(candidate.toLowerCase()));
    for (let count = 2; name === undefined; count += 1) {
      if (!this.#taken.has(`${last}${count}`.toLowerCase())) name = `${last}${count}`;
    }
    this.#taken.add(name.toLowerCase());
    return name;
  }
}
