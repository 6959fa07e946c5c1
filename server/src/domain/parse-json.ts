import type { Json } from './domain-error.ts';
import { exceededBound, type JsonBounds, maxLevels } from './json-bounds.ts';
import { inPieces, type WorkInPieces } from './work-in-pieces.ts';

/** Characters that are parsed without a pause: a millisecond's work, or a few where they are lists and objects without anything in them. */
const pieceSize = 65_536;
/** Shorter texts are parsed in one go. */
const large = 4 * pieceSize;
/** Unless it is said otherwise: levels are told apart that are far more than values may have. */
const unbounded: JsonBounds = { levels: maxLevels + 64, names: Infinity };

const comma = 0x2c;
const quote = 0x22;
const backslash = 0x5c;
const openList = 0x5b;
const closeList = 0x5d;
const openObject = 0x7b;
const closeObject = 0x7d;

/** A text that nests deeper than it may, or has an object with more names. */
export class JsonBoundError extends Error {
  readonly bound: keyof JsonBounds;

  constructor(bound: keyof JsonBounds) {
    super(`The JSON has too many ${bound}.`);
    this.name = 'JsonBoundError';
    this.bound = bound;
  }
}

/**
 * The value that `JSON.parse` makes of a text, while the process does other things: parsing some megabytes takes as long as
 * hundreds of requests. (In another thread it takes as long here to receive the value.) Throws SyntaxError as `JSON.parse` does, and
 * JsonBoundError for a large text beyond the bounds, or where they are given for any text.
 */
export async function parseJson(text: string, bounds = unbounded): Promise<Json> {
  if (text.length > large) return inPieces(jsonIn(text, pieceSize, bounds));
  const value = JSON.parse(text) as Json;
  const exceeded = bounds === unbounded ? undefined : exceededBound(value, bounds);
  if (exceeded) throw new JsonBoundError(exceeded);
  return value;
}

/** The same as work that pauses about every `size` characters; a text within the value is never divided. */
export function* jsonIn(text: string, size = pieceSize, bounds = unbounded): WorkInPieces<Json> {
  return yield* new Parser(text, size, bounds).run();
}

/** A list or object that is open where the parser stands. */
class Level {
  isList = true;
  /** Where its bracket is. */
  start = 0;
  /** Where the member begins in which the parser stands, and the first one that is not in `value` yet. */
  member = 0;
  pending = 0;
  /** Members that have ended. */
  count = 0;
  /** Where the list or object ends that is the member in which the parser stands, if it is in `value` already. */
  memberEnd = -1;
  /** Made when it turns out to be large: what is small is parsed as a part of what it is in. */
  value: Json[] | Record<string, Json> | undefined;
}

/**
 * Walks through the text, in which only brackets, commas and strings matter, and leaves the rest to `JSON.parse`: members of the
 * same list or object, as many as make a piece.
 */
class Parser {
  readonly #text: string;
  readonly #size: number;
  readonly #levels: readonly Level[];
  readonly #maxNames: number;
  /** Levels that are open, and how many of them have a value; the others are in these. */
  #depth = 0;
  #made = 0;
  #root: Json | undefined;

  constructor(text: string, size: number, { levels, names }: JsonBounds) {
    this.#text = text;
    this.#size = size;
    this.#levels = Array.from({ length: levels }, () => new Level());
    this.#maxNames = names;
  }

  *run(): WorkInPieces<Json> {
    const text = this.#text;
    let pause = this.#size;
    for (let at = 0; at < text.length; at += 1) {
      switch (text.charCodeAt(at)) {
        case quote:
          at = this.#endOfString(at);
          break;
        case comma:
          this.#separate(at);
          break;
        case openList:
        case openObject:
          this.#open(at);
          break;
        case closeList:
        case closeObject:
          if (this.#close(at)) return this.#ended(at + 1);
      }
      if (at < pause) continue;
      yield;
      pause = at + this.#size;
    }
    // No list and no object, or not all of it.
    return JSON.parse(text) as Json;
  }

  #endOfString(start: number): number {
    for (let from = start + 1; ;) {
      const end = this.#text.indexOf('"', from);
      if (end < 0) throw unexpected(this.#text.length);
      let before = end;
      while (this.#text.charCodeAt(before - 1) === backslash) before -= 1;
      if ((end - before) % 2 === 0) return end;
      from = end + 1;
    }
  }

  #open(at: number): void {
    if (this.#depth === this.#levels.length) throw new JsonBoundError('levels');
    const level = this.#levels[this.#depth]!;
    level.isList = this.#text.charCodeAt(at) === openList;
    level.start = at;
    level.member = level.pending = at + 1;
    level.memberEnd = -1;
    level.count = 0;
    level.value = undefined;
    this.#depth += 1;
    if (this.#depth > 1) return;
    if (!this.#isBlank(0, at)) throw unexpected(at);
    this.#make(level);
  }

  #separate(at: number): void {
    if (this.#depth === 0) throw unexpected(at);
    const level = this.#levels[this.#depth - 1]!;
    this.#endMember(level, at);
    level.count += 1;
    // One more name follows.
    if (!level.isList && level.count >= this.#maxNames) throw new JsonBoundError('names');
    level.member = at + 1;
    if (level.memberEnd >= 0) level.pending = at + 1;
    level.memberEnd = -1;
    this.#take(at);
  }

  /** Parses what is pending where that is enough for a piece, from the outside to where the parser stands. */
  #take(at: number): void {
    for (;;) {
      const level = this.#levels[this.#made - 1]!;
      if (at - level.pending < this.#size) return;
      this.#add(level, level.member - 1);
      level.pending = level.member;
      if (at - level.pending < this.#size || this.#made === this.#depth) return;
      this.#make(this.#levels[this.#made]!);
    }
  }

  #make(level: Level): void {
    level.value = level.isList ? [] : {};
    this.#made += 1;
  }

  /** True when that was the whole value. */
  #close(at: number): boolean {
    const level = this.#levels[this.#depth - 1];
    if (!level || level.isList !== (this.#text.charCodeAt(at) === closeList)) throw unexpected(at);
    this.#depth -= 1;
    const { value } = level;
    if (value === undefined) return false;
    this.#made -= 1;
    this.#endMember(level, at);
    if (level.memberEnd < 0) this.#add(level, at, level.member === level.start + 1);
    if (this.#depth === 0) {
      this.#root = value;
      return true;
    }
    const outer = this.#levels[this.#depth - 1]!;
    const name = this.#nameOf(outer, level.start);
    if (Array.isArray(outer.value)) outer.value.push(value);
    else define(outer.value!, name, value);
    outer.memberEnd = at + 1;
    return false;
  }

  #ended(at: number): Json {
    if (!this.#isBlank(at, this.#text.length)) throw unexpected(at);
    return this.#root!;
  }

  /** A member that has been parsed ends with its bracket. */
  #endMember({ memberEnd }: Level, at: number): void {
    if (memberEnd >= 0 && !this.#isBlank(memberEnd, at)) throw unexpected(memberEnd);
  }

  /** Parses the members from the first that is pending to the one that ends there. */
  #add(level: Level, end: number, mayBeEmpty = false): void {
    if (level.pending > end) return;
    const members = this.#text.slice(level.pending, end);
    const { value } = level;
    let count: number;
    if (Array.isArray(value)) {
      const items = JSON.parse(`[${members}]`) as Json[];
      count = items.length;
      for (const item of items) value.push(item);
    } else {
      const part = JSON.parse(`{${members}}`) as Record<string, Json>;
      const names = Object.keys(part);
      count = names.length;
      for (const name of names) define(value!, name, part[name]!);
    }
    if (count === 0 && !mayBeEmpty) throw unexpected(end);
  }

  /** The name that stands before a member's bracket, in an object. */
  #nameOf({ isList, member }: Level, start: number): string {
    if (isList) {
      if (!this.#isBlank(member, start)) throw unexpected(member);
      return '';
    }
    const [name] = Object.keys(JSON.parse(`{${this.#text.slice(member, start)}null}`) as object);
    if (name === undefined) throw unexpected(member);
    return name;
  }

  #isBlank(from: number, to: number): boolean {
    return /^[\t\n\r ]*$/.test(this.#text.slice(from, to));
  }
}

/** Names of members may be those of an object's own parts. */
function define(object: Record<string, Json>, name: string, value: Json): void {
  if (name !== '__proto__') object[name] = value;
  else Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true });
}

function unexpected(at: number): SyntaxError {
  return new SyntaxError(`The JSON is not valid at position ${at}`);
}
