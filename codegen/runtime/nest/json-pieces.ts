import { Readable } from 'node:stream';
import { types } from 'node:util';

/** Characters of JSON that are written without a pause: about a millisecond's work. */
const pieceSize = 262_144;
/** Answers with more characters of JSON than this are written in pieces; for the others that would only cost time. */
const large = 1_048_576;
/** What is nested deeper is written at once: far deeper than JSON is in practice, and where a value that holds itself ends. */
const deepest = 500;

/** A part of a response body whose JSON is there already: it is sent as it is, neither parsed nor written again. */
export class JsonText {
  readonly text: string;

  /** The text is one JSON value; nobody checks that. */
  constructor(text: string) {
    this.text = text;
  }

  toJSON(): unknown {
    return JSON.parse(this.text);
  }
}

/**
 * A part of a response body whose JSON is read when the client has taken what comes before it, so that a body with many large
 * parts takes no more memory than the largest. A part that cannot be read cuts the response off.
 */
export class LateJson {
  readonly read: () => Promise<string>;

  /** Resolves with the text of one JSON value; nobody checks that. */
  constructor(read: () => Promise<string>) {
    this.read = read;
  }

  toJSON(): never {
    throw new TypeError('A part of the body that is read late can be streamed only.');
  }
}

/** Whether a part of a body is read late. */
export function isLate(body: unknown, level = 0): boolean {
  if (typeof body !== 'object' || body === null || level > deepest) return false;
  return body instanceof LateJson || Object.values(body).some((part) => isLate(part, level + 1));
}

/** Whether a body is too large to be written in one go, or holds JSON that is there already. */
export function isLarge(body: unknown): boolean {
  return roomAfter(body, large, 0) <= 0;
}

/**
 * The JSON of a value as a stream, which lets the process do other things between pieces and waits for a slow receiver. What
 * cannot be written ends the stream with an error.
 */
export function streamJson(value: unknown): Readable {
  return Readable.from(streamedPieces(value), { objectMode: false });
}

/** The text that `JSON.stringify` makes of a value, in pieces of about `size` characters; none ends within a surrogate pair. */
export function* jsonPieces(value: unknown, size = pieceSize): Generator<string> {
  for (const piece of piecesOf(value, size)) yield typeof piece === 'string' ? piece : piece.toJSON();
}

async function* streamedPieces(value: unknown): AsyncGenerator<string> {
  for (const piece of piecesOf(value, pieceSize)) {
    if (typeof piece === 'string') yield piece;
    else yield* slicesOf(await piece.read(), pieceSize);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function* piecesOf(value: unknown, size: number): Generator<string | LateJson> {
  let piece = '';
  for (const fragment of new Fragments(size).of(value, 0)) {
    if (typeof fragment === 'string') {
      piece += fragment;
      if (piece.length < size) continue;
    }
    if (piece !== '') yield piece;
    piece = '';
    if (typeof fragment !== 'string') yield fragment;
  }
  if (piece !== '') yield piece;
}

/** Writes a value in fragments: whole values that are small, and what is between them. */
class Fragments {
  readonly #size: number;

  constructor(size: number) {
    this.#size = size;
  }

  *of(value: unknown, level: number): Generator<string | LateJson> {
    if (value instanceof LateJson) yield value;
    else if (value instanceof JsonText) yield* slicesOf(value.text, this.#size);
    else if (level >= deepest || !this.#isWrittenAlone(value)) {
      const text = JSON.stringify(value) as string | undefined;
      if (text !== undefined) yield text;
    } else if (typeof value === 'string') yield* this.#text(value);
    else if (Array.isArray(value)) yield* this.#list(value, level);
    else yield* this.#object(value as object, level);
  }

  *#text(text: string): Generator<string> {
    yield '"';
    for (const slice of slicesOf(text, this.#size)) yield JSON.stringify(slice).slice(1, -1);
    yield '"';
  }

  *#list(list: readonly unknown[], level: number): Generator<string | LateJson> {
    let separator = '[';
    for (const [from, to] of this.#groupsOf(list)) {
      yield separator;
      if (to - from === 1 && this.#isWrittenAlone(list[from])) yield* this.of(list[from], level + 1);
      else yield JSON.stringify(list.slice(from, to)).slice(1, -1);
      separator = ',';
    }
    yield separator === '[' ? '[]' : ']';
  }

  *#object(object: object, level: number): Generator<string | LateJson> {
    const keys = Object.keys(object);
    const values = keys.map((key) => (object as Record<string, unknown>)[key]);
    let separator = '{';
    for (const [from, to] of this.#groupsOf(values)) {
      if (to - from === 1 && this.#isWrittenAlone(values[from])) {
        yield `${separator}${JSON.stringify(keys[from])}:`;
        yield* this.of(values[from], level + 1);
      } else {
        const group = keys.slice(from, to).map((key, at) => [key, values[from + at]] as const);
        const members = JSON.stringify(Object.fromEntries(group));
        // JSON leaves out members that are undefined.
        if (members === '{}') continue;
        yield `${separator}${members.slice(1, -1)}`;
      }
      separator = ',';
    }
    yield separator === '{' ? '{}' : '}';
  }

  /** Neighbours that together are one piece, from and to before; what is larger stands alone. */
  *#groupsOf(values: readonly unknown[]): Generator<readonly [from: number, to: number]> {
    let from = 0;
    let room = this.#size;
    for (let at = 0; at < values.length; at += 1) {
      const left = roomAfter(values[at], room, 0);
      if (left > 0) {
        room = left;
        continue;
      }
      if (at > from) yield [from, at];
      from = at;
      room = roomAfter(values[at], this.#size, 0);
      if (room > 0) continue;
      yield [at, at + 1];
      from = at + 1;
      room = this.#size;
    }
    if (from < values.length) yield [from, values.length];
  }

  #isWrittenAlone(value: unknown): boolean {
    if (typeof value !== 'string' && !isDivisible(value)) return false;
    return roomAfter(value, this.#size, 0) <= 0;
  }
}

/** Parts of a text; no surrogate pair is cut. */
function* slicesOf(text: string, size: number): Generator<string> {
  for (let from = 0; from < text.length;) {
    const cut = from + size;
    const to = cut < text.length && isLeadingSurrogate(text.charCodeAt(cut - 1)) ? cut + 1 : cut;
    yield text.slice(from, to);
    from = to;
  }
}

/** Lists and objects, but not what writes itself: dates and boxed values. */
function isDivisible(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  if (isTextAlready(value)) return true;
  if (typeof (value as { toJSON?: unknown }).toJSON === 'function') return false;
  return !types.isBoxedPrimitive(value);
}

/**
 * What is left of `room` characters when the JSON of a value has been written, escapes not counted; nothing where JSON is
 * there already. It looks no further than the room reaches.
 */
function roomAfter(value: unknown, room: number, level: number): number {
  if (typeof value === 'string') return room - value.length - 3;
  if (typeof value !== 'object' || value === null) return room - 6;
  if (isTextAlready(value)) return 0;
  if (level >= deepest) return room;
  let left = room - 2;
  if (Array.isArray(value))
    for (let at = 0; at < value.length && left > 0; at += 1) left = roomAfter(value[at], left, level + 1);
  else
    for (const key in value) {
      if (left <= 0) break;
      left = roomAfter((value as Record<string, unknown>)[key], left - key.length - 3, level + 1);
    }
  return left;
}

function isTextAlready(value: object): value is JsonText | LateJson {
  return value instanceof JsonText || value instanceof LateJson;
}

function isLeadingSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit < 0xdc00;
}
