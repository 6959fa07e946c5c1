import { bytesOf } from './json-size.ts';
import { storableText, toJsonb } from './storable.ts';

/** Bytes that are written without a pause: about a millisecond's work. */
const pieceBytes = 262_144;

/** How what is small is written, and what becomes of a text that is not. */
interface Style {
  readonly write: (value: unknown) => string;
  readonly text: (text: string) => string;
}

const forJsonb: Style = { write: toJsonb, text: storableText };
const exact: Style = { write: JSON.stringify, text: (text) => text };

/** The text that `JSON.stringify` makes of a JSON value that does not change any more; in pieces where it is large. */
export function writeJson(value: unknown): string | Promise<string> {
  return new JsonPieces(exact).write(value);
}

/**
 * Writes JSON that jsonb takes (as `toJsonb`), in pieces between which the process does other things: a value of some
 * megabytes takes as long as hundreds of requests. A large list or object that occurs again is written once.
 */
export class JsonPieces {
  readonly #texts = new Map<object, string>();
  readonly #style: Style;
  #written = 0;

  constructor(style: Style = forJsonb) {
    this.#style = style;
  }

  /** The text of a value that does not change any more: at once unless the time for a pause has come. */
  write(value: unknown): string | Promise<string> {
    const bytes = bytesOf(value);
    if (this.#written + bytes > pieceBytes) return this.#afterPause(value, bytes);
    this.#written += bytes;
    return this.#style.write(value);
  }

  /** The text of the list of all that `rowsOf` makes of the items: of one item after the other, as its turn comes. */
  async list<Item>(items: Iterable<Item>, rowsOf: (item: Item) => Iterable<unknown>): Promise<string> {
    const texts: string[] = [];
    for (const item of items) {
      for (const row of rowsOf(item)) {
        const text = this.write(row);
        texts.push(typeof text === 'string' ? text : await text);
      }
    }
    return `[${texts.join(',')}]`;
  }

  async #afterPause(value: unknown, bytes: number): Promise<string> {
    await this.#pause();
    return this.#write(value, bytes);
  }

  async #pause(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    this.#written = 0;
  }

  async #write(value: unknown, bytes: number): Promise<string> {
    if (bytes > pieceBytes && typeof value === 'string') return this.#text(this.#style.text(value));
    if (bytes > pieceBytes && typeof value === 'object' && value !== null) return this.#object(value);
    if (this.#written > pieceBytes) await this.#pause();
    this.#written += bytes;
    return this.#style.write(value);
  }

  async #text(text: string): Promise<string> {
    const pieces: string[] = [];
    for (let from = 0; from < text.length;) {
      const cut = from + pieceBytes;
      // A surrogate pair stays whole.
      const to = isLeading(text.charCodeAt(cut - 1)) ? cut - 1 : cut;
      pieces.push(JSON.stringify(text.slice(from, to)).slice(1, -1));
      await this.#pause();
      from = to;
    }
    return `"${pieces.join('')}"`;
  }

  async #object(value: object): Promise<string> {
    const known = this.#texts.get(value);
    if (known !== undefined) return known;
    const text = Array.isArray(value) ? `[${await this.#items(value)}]` : `{${await this.#members(value)}}`;
    this.#texts.set(value, text);
    return text;
  }

  async #items(list: readonly unknown[]): Promise<string> {
    const texts: string[] = [];
    for (const { group, bytes } of grouped(list, bytesOf))
      texts.push(
        group.length === 1 ? await this.#write(group[0] ?? null, bytes) : inner(await this.#write(group, bytes)),
      );
    return texts.join(',');
  }

  /** By name: of an object with a hundred thousand members, all entries at once take three times as long as all names. */
  async #members(object: object): Promise<string> {
    const values = object as Readonly<Record<string, unknown>>;
    const texts: string[] = [];
    for (const { group, bytes } of grouped(Object.keys(object), (name) => bytesOf(name) + bytesOf(values[name]))) {
      const [name] = group as [string];
      if (group.length > 1) {
        const members = Object.fromEntries(group.map((each) => [each, values[each]]));
        texts.push(inner(await this.#write(members, bytes)));
      } else if (values[name] !== undefined) {
        texts.push(`${this.#style.write(name)}:${await this.#write(values[name], bytes)}`);
      }
    }
    // Members that are undefined are left out.
    return texts.filter((text) => text !== '').join(',');
  }
}

/** Neighbours that together are one piece; what is larger stands alone. */
function* grouped<Member>(
  members: readonly Member[],
  sizeOf: (member: Member) => number,
): Generator<{ group: Member[]; bytes: number }> {
  let group: Member[] = [];
  let bytes = 0;
  for (const member of members) {
    const size = sizeOf(member);
    if (group.length > 0 && bytes + size > pieceBytes) {
      yield { group, bytes };
      group = [];
      bytes = 0;
    }
    group.push(member);
    bytes += size;
  }
  if (group.length > 0) yield { group, bytes };
}

function inner(text: string): string {
  return text.slice(1, -1);
}

function isLeading(unit: number): boolean {
  return unit >= 0xd800 && unit < 0xdc00;
}
