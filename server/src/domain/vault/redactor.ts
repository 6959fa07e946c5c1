import type { Json } from '../domain-error.ts';
import type { View } from './assembled-text.ts';
import { digitsDecoder, unescaped } from './encoded-views.ts';

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

/** Shown in place of a text whose encodings take more effort than that. */
const notSearchable = '[not shown: encoded too often to be searched for secrets]';

/** Where a value stands in the text. */
interface Found {
  readonly start: number;
  readonly end: number;
  readonly label: string;
}

/**
 * Removes confidential values from what comes back from other servers, also where they are a part of something that is
 * encoded, or encoded several times: with the escapes of URLs, forms, JSON and HTML, in hexadecimal digits, in base64, broken
 * into lines. The time is proportional to the length; a text that needs more is not shown at all. The guide of secrets says
 * what is found and what is not.
 */
export class Redactor {
  /** What is looked for, the longest first. */
  readonly #needles: readonly (readonly [needle: string, label: string])[];
  /** No text below this length holds a value, since encoding makes nothing shorter. */
  readonly #shortest: number;
  readonly #decodedDigits: ReturnType<typeof digitsDecoder>;

  constructor(confidential: readonly Confidential[]) {
    const needles = new Map<string, string>();
    for (const { value, label } of confidential)
      for (const needle of needlesOf(value)) if (!needles.has(needle)) needles.set(needle, label);
    this.#needles = [...needles].sort(([a], [b]) => b.length - a.length);
    this.#shortest = Math.min(...this.#needles.map(([needle]) => needle.length));
    this.#decodedDigits = digitsDecoder(this.#shortest);
  }

  text(text: string): string {
    return this.#redacted(text, (label) => label);
  }

  /** Names of properties too; a number becomes text where it is one of the values. */
  json(value: Json): Json {
    if (this.#needles.length === 0) return value;
    if (typeof value === 'string') return this.text(value);
    if (typeof value === 'number') return this.#number(value);
    if (Array.isArray(value)) return value.map((item) => this.json(item as Json));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [this.text(key), item === undefined ? undefined : this.json(item)]),
    );
  }

  /** What is no text, byte by byte. */
  bytes(bytes: Uint8Array): Uint8Array {
    const text = Buffer.from(bytes).toString('latin1');
    const redacted = this.#redacted(text, (label) => Buffer.from(label, 'utf8').toString('latin1'));
    return redacted === text ? bytes : Buffer.from(redacted, 'latin1');
  }

  #number(value: number): Json {
    const text = String(value);
    const redacted = this.text(text);
    return redacted === text ? value : redacted;
  }

  #redacted(text: string, shown: (label: string) => string): string {
    if (text.length < this.#shortest) return text;
    const found = this.#find(text);
    if (!found) return shown(notSearchable);
    return found.length === 0 ? text : replaced(text, found, shown);
  }

  /** Looks at the text, then at what it holds encoded, then at what that holds; undefined when that takes too much. */
  #find(root: string): Found[] | undefined {
    const found: Found[] = [];
    let left = root.length * effort + effortForShort;
    let views: View[] = [{ text: root, source: (start, end) => [start, end] }];
    // It ends by itself, since what is decoded is shorter than what was encoded.
    while (views.length > 0) {
      const within: View[] = [];
      for (const view of views) {
        this.#findIn(view, found);
        for (const inner of this.#viewsIn(view.text)) {
          left -= inner.text.length;
          if (left < 0) return undefined;
          if (inner.text.length >= this.#shortest) within.push(throughTo(view, inner));
        }
      }
      views = within;
    }
    return found;
  }

  *#viewsIn(text: string): Generator<View> {
    const without = unescaped(text);
    if (without) yield { text: without.text(), source: (start, end) => without.source(start, end) };
    // What stands there as it is, is decoded there.
    yield* this.#decodedDigits(text, (span) => without?.hasCopyOf(span) ?? false);
  }

  #findIn({ text, source }: View, found: Found[]): void {
    for (const [needle, label] of this.#needles) {
      for (let at = text.indexOf(needle); at >= 0; at = text.indexOf(needle, at + needle.length)) {
        const span = source(at, at + needle.length);
        if (span) found.push({ start: span[0], end: span[1], label });
      }
    }
  }
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
  for (let rest: string | undefined = value; rest !== undefined; rest = unescaped(rest)?.text()) {
    const lines = rest.replaceAll('\r\n', '\n');
    for (const needle of [rest, rest.replaceAll(' ', '+'), lines, lines.replaceAll('\n', '\r\n')]) needles.add(needle);
    if (needles.size > 64) break;
  }
  const inBytes = Array.from(needles, (needle) => Buffer.from(needle, 'utf8').toString('latin1'));
  return [...needles, ...inBytes].filter((needle) => needle.length >= shortest);
}
