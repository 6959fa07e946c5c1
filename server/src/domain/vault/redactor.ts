import type { Json } from '../domain-error.ts';
import { atOnce, inPieces, type WorkInPieces } from '../work-in-pieces.ts';
import type { View } from './assembled-text.ts';
import { digitsDecoder, unescaped } from './encoded-views.ts';
import { Needle } from './needle.ts';

/** A value that must not be seen, and what is shown instead. */
export interface Confidential {
  readonly value: string;
  /** For example `[secret API_KEY]`. */
  readonly label: string;
}

/** Shorter ones cannot be told from other text. */
const shortest = 4;

/** Characters that are decoded at most for each character of a text, beside some for short ones: this bounds the time. */
const effort = 24;
const effortForShort = 4096;
/** For each character beyond the first `long` ones: more than base64 in base64 takes. */
const effortForLong = 12;
const long = 1_048_576;

/** Shown in place of a text whose encodings take more effort than that. */
const notSearchable = '[not shown: encoded too often to be searched for secrets]';

/** Places that are found in one text at most; shown in place of one with more. */
const maxFound = 10_000;
const tooMany = '[not shown: holds secrets in too many places]';

/** Values of JSON that are looked at between two pauses at most. */
const plainAtOnce = 1_024;

/** Where a value stands in the text. */
interface Found {
  readonly start: number;
  readonly end: number;
  readonly label: string;
}

/**
 * Removes confidential values from what comes back from other servers, also where they are a part of something that is
 * encoded, or encoded several times: with the escapes of URLs, forms, JSON and HTML, in hexadecimal digits, in base64, broken
 * into lines. The time is proportional to the length; a text that needs more is not shown at all, nor is one that holds values
 * in thousands of places. The guide of secrets says what is found and what is not.
 */
export class Redactor {
  /** What is looked for, the longest first. */
  readonly #needles: readonly Needle[];
  /** No text below this length holds a value, since encoding makes nothing shorter. */
  readonly #shortest: number;
  readonly #decodedDigits: ReturnType<typeof digitsDecoder>;

  constructor(confidential: readonly Confidential[]) {
    const needles = new Map<string, string>();
    for (const { value, label } of confidential)
      for (const needle of needlesOf(value)) if (!needles.has(needle)) needles.set(needle, label);
    this.#needles = Array.from(needles, ([text, label]) => new Needle(text, label)).sort((a, b) => b.length - a.length);
    this.#shortest = Math.min(...this.#needles.map(({ length }) => length));
    this.#decodedDigits = digitsDecoder(this.#shortest);
  }

  /** For texts of some kilobytes; `textInPieces` takes any. */
  text(text: string): string {
    return atOnce(this.#text(text));
  }

  /** The same while the process does other things. */
  async textInPieces(text: string): Promise<string> {
    return inPieces(this.#text(text));
  }

  /** Names of properties too; a number becomes text where it is one of the values. For values of some kilobytes. */
  json(value: Json): Json {
    return this.#needles.length === 0 ? value : atOnce(this.#json(value));
  }

  /** The same while the process does other things. */
  async jsonInPieces(value: Json): Promise<Json> {
    return this.#needles.length === 0 ? value : inPieces(this.#json(value));
  }

  /** What is no text, byte by byte, while the process does other things. */
  bytesInPieces(bytes: Uint8Array): Promise<Uint8Array> {
    return inPieces(this.#bytes(bytes));
  }

  *#text(text: string): WorkInPieces<string> {
    return yield* this.#redacted(text, (label) => label);
  }

  *#bytes(bytes: Uint8Array): WorkInPieces<Uint8Array> {
    const text = Buffer.from(bytes).toString('latin1');
    const redacted = yield* this.#redacted(text, (label) => Buffer.from(label, 'utf8').toString('latin1'));
    return redacted === text ? bytes : Buffer.from(redacted, 'latin1');
  }

  *#json(value: Json): WorkInPieces<Json> {
    if (typeof value === 'string') return yield* this.#text(value);
    if (typeof value === 'number') return yield* this.#number(value);
    if (typeof value !== 'object' || value === null) return value;
    yield;
    if (Array.isArray(value)) {
      const items: Json[] = [];
      for (const item of value as Json[]) {
        items.push(this.#isPlain(item) ? item : yield* this.#json(item));
        if (items.length % plainAtOnce === 0) yield;
      }
      return items;
    }
    const members: [string, Json | undefined][] = [];
    for (const [key, item] of Object.entries(value) as [string, Json | undefined][]) {
      members.push([
        this.#isPlain(key) ? key : yield* this.#text(key),
        item === undefined || this.#isPlain(item) ? item : yield* this.#json(item),
      ]);
      if (members.length % plainAtOnce === 0) yield;
    }
    return Object.fromEntries(members) as Json;
  }

  /** Whether it is neither list nor object and too short to hold a value, as most are: what asks first is much faster. */
  #isPlain(value: Json): boolean {
    if (typeof value === 'string') return value.length < this.#shortest;
    if (typeof value === 'number') return String(value).length < this.#shortest;
    return typeof value !== 'object' || value === null;
  }

  *#number(value: number): WorkInPieces<Json> {
    const text = String(value);
    const redacted = yield* this.#text(text);
    return redacted === text ? value : redacted;
  }

  *#redacted(text: string, shown: (label: string) => string): WorkInPieces<string> {
    yield;
    if (text.length < this.#shortest) return text;
    const found: Found[] = [];
    if (!(yield* this.#find(text, found))) return shown(found.length > maxFound ? tooMany : notSearchable);
    return found.length === 0 ? text : replaced(text, found, shown);
  }

  /** Looks at the text, then at what it holds encoded, then at what that holds; false when that takes too much. */
  *#find(root: string, found: Found[]): WorkInPieces<boolean> {
    let left = effortFor(root.length);
    let views: View[] = [{ text: root, source: (start, end) => [start, end] }];
    // It ends by itself, since what is decoded is shorter than what was encoded.
    while (views.length > 0) {
      const within: View[] = [];
      for (const view of views) {
        yield* this.#findIn(view, found);
        if (found.length > maxFound) return false;
        for (const inner of this.#viewsIn(view.text)) {
          if (!inner) {
            yield;
            continue;
          }
          left -= inner.text.length;
          if (left < 0) return false;
          if (inner.text.length >= this.#shortest) within.push(throughTo(view, inner));
        }
      }
      views = within;
    }
    return true;
  }

  *#viewsIn(text: string): Generator<View | undefined, void, undefined> {
    const without = yield* unescaped(text);
    if (without) yield { text: without.text(), source: (start, end) => without.source(start, end) };
    // What stands there as it is, is decoded there.
    yield* this.#decodedDigits(text, (span) => without?.hasCopyOf(span) ?? false);
  }

  *#findIn({ text, source }: View, found: Found[]): WorkInPieces<void> {
    for (const needle of this.#needles)
      for (const place of needle.placesIn(text)) {
        if (place === undefined) {
          yield;
          continue;
        }
        const span = source(place, place + needle.length);
        if (span) found.push({ start: span[0], end: span[1], label: needle.label });
        if (found.length > maxFound) return;
      }
  }
}

function effortFor(length: number): number {
  return Math.min(length, long) * effort + Math.max(length - long, 0) * effortForLong + effortForShort;
}

/** The inner view as one of the text that the outer one is of. */
function throughTo(outer: View, inner: View): View {
  return {
    text: inner.text,
    source: (start, end) => {
      const span = inner.source(start, end);
      return span && outer.source(...span);
    },
  };
}

/** What overlaps becomes one, under the name of the longest. */
function replaced(text: string, found: readonly Found[], shown: (label: string) => string): string {
  const byPlace = found.toSorted((a, b) => a.start - b.start || b.end - a.end);
  const merged: Found[] = [];
  let longest = 0;
  for (const next of byPlace) {
    const last = merged.at(-1);
    const length = next.end - next.start;
    if (!last || next.start >= last.end) merged.push(next);
    else {
      const label = length > longest ? next.label : last.label;
      merged[merged.length - 1] = { start: last.start, end: Math.max(last.end, next.end), label };
      longest = Math.max(longest, length);
      continue;
    }
    longest = length;
  }
  const parts: string[] = [];
  let at = 0;
  for (const { start, end, label } of merged) {
    parts.push(text.slice(at, start), shown(label));
    at = end;
  }
  return parts.join('') + text.slice(at);
}

/**
 * The value as it stands in a text and, in UTF-8, in bytes; also with the plus that forms make of a space, the line breaks
 * that other systems make, and what is left of it when escapes around it are resolved and it has some that are its own.
 */
function needlesOf(value: string): string[] {
  const needles = new Set<string>();
  for (let rest: string | undefined = value; rest !== undefined; rest = atOnce(unescaped(rest))?.text()) {
    const lines = rest.replaceAll('\r\n', '\n');
    for (const needle of [rest, rest.replaceAll(' ', '+'), lines, lines.replaceAll('\n', '\r\n')]) needles.add(needle);
    if (needles.size > 64) break;
  }
  const inBytes = Array.from(needles, (needle) => Buffer.from(needle, 'utf8').toString('latin1'));
  return [...needles, ...inBytes].filter((needle) => needle.length >= shortest);
}
