import type { WorkInPieces } from '../work-in-pieces.ts';
import { AssembledText, type Span, type View } from './assembled-text.ts';

/** Escapes of URLs and forms, of JSON and JavaScript, and of HTML. */
const escape =
  /%([\da-f]{2})|\\u([\da-f]{4})|\\x([\da-f]{2})|\\([nrtbf"'\\/])|&(?:#(\d{1,7})|#x([\da-f]{1,6})|(amp|lt|gt|quot|apos));/iy;

const startsEscape = /[%\\&]/g;

const characters: Readonly<Record<string, string>> = {
  n: '\n',
  r: '\r',
  t: '\t',
  b: '\b',
  f: '\f',
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
};

/** Characters that are looked through between two pauses at most, and what was found in them. */
const searchedAtOnce = 65_536;
const foundAtOnce = 1_024;

/** The text with its escapes resolved once; undefined when there are none. */
export function* unescaped(text: string): WorkInPieces<AssembledText | undefined> {
  const result = new AssembledText();
  let at = 0;
  let next = 0;
  for (let count = 1; ; count += 1) {
    // The expressions are shared with those who work meanwhile.
    if (count % foundAtOnce === 0) yield;
    startsEscape.lastIndex = next;
    if (!startsEscape.test(text)) break;
    next = startsEscape.lastIndex;
    const from = next - 1;
    escape.lastIndex = from;
    const match = escape.exec(text);
    if (!match) continue;
    result.add(text.slice(at, from), at, from);
    at = next = escape.lastIndex;
    result.add(meaningOf(match), from, at);
  }
  if (at === 0) return undefined;
  result.add(text.slice(at), at, text.length);
  return result;
}

function meaningOf([, percent, unicode, byte, single, decimal, hex, name]: RegExpMatchArray): string {
  const code = percent ?? unicode ?? byte ?? hex;
  if (code !== undefined) return characterOf(Number.parseInt(code, 16));
  if (decimal !== undefined) return characterOf(Number(decimal));
  const key = (single ?? name)!.toLowerCase();
  return characters[key] ?? key;
}

function characterOf(code: number): string {
  return code <= 0x10ffff ? String.fromCodePoint(code) : '\ufffd';
}

/** A way to write bytes in digits. */
interface Digits {
  readonly encoding: 'base64' | 'hex';
  readonly bits: 4 | 6;
  /** How many digits make whole bytes again. */
  readonly group: 2 | 4;
  /** What stands for zero bits: between two runs, so that none of what they hold runs into the other. */
  readonly zero: string;
  readonly digit: string;
}

const kinds: readonly Digits[] = [
  // Both alphabets at once.
  { encoding: 'base64', bits: 6, group: 4, zero: 'A', digit: String.raw`[\w+/\-]` },
  { encoding: 'hex', bits: 4, group: 2, zero: '0', digit: String.raw`[\dA-Fa-f]` },
];

/** Lines below this are words. */
const shortestLine = 16;

/** Views, and pauses between them. */
type Decoder = (text: string, isElsewhere: (span: Span) => boolean) => Generator<View | undefined, void, undefined>;

/**
 * Reads what texts hold in base64 (either alphabet) or hexadecimal digits, where at least that many bytes are written so; the
 * digits may be broken into lines. Spans that `isElsewhere` are left out.
 */
export function digitsDecoder(bytes: number): Decoder {
  const finders = kinds.map((kind) => new RunFinder(kind, Math.ceil((bytes * 8) / kind.bits)));
  return function* (text, isElsewhere) {
    for (const finder of finders) {
      const runs = yield* finder.runsOf(text, isElsewhere);
      if (runs.length === 0) continue;
      const digits = runs.text();
      // A run may begin with digits that are no part of what was encoded, such as the letters of a path.
      for (let skipped = 0; skipped < finder.kind.group; skipped++) {
        yield decoded(digits.slice(skipped), skipped, runs, finder.kind);
        yield undefined;
      }
    }
  };
}

function decoded(digits: string, skipped: number, runs: AssembledText, { encoding, bits }: Digits): View {
  return {
    text: Buffer.from(digits, encoding).toString('latin1'),
    source: (start, end) =>
      runs.source(skipped + Math.floor((start * 8) / bits), skipped + Math.ceil((end * 8) / bits)),
  };
}

class RunFinder {
  readonly kind: Digits;
  readonly #shortest: number;
  // A fixed number of digits is found fast; longer ones are counted afterwards, or every shorter run would be gone over
  // once for each of its digits.
  readonly #begin: RegExp;
  readonly #rest: RegExp;
  readonly #nextLine: RegExp;

  constructor(kind: Digits, shortest: number) {
    this.kind = kind;
    this.#shortest = shortest;
    this.#begin = new RegExp(`${kind.digit}{${Math.min(shortest, shortestLine)}}`, 'g');
    this.#rest = new RegExp(`${kind.digit}*`, 'y');
    this.#nextLine = new RegExp(`\\r?\\n[\\t ]*(?=${kind.digit})`, 'y');
  }

  /** All long enough runs with zeros between them; each begins at a multiple of the group. */
  *runsOf(text: string, isElsewhere: (span: Span) => boolean): WorkInPieces<AssembledText> {
    const result = new AssembledText();
    let found = 0;
    for (let at = 0; at < text.length;) {
      const part = text.slice(at, at + searchedAtOnce);
      this.#begin.lastIndex = 0;
      if (!this.#begin.test(part)) {
        yield;
        if (at + searchedAtOnce >= text.length) break;
        // One may begin at the end of this part.
        at += searchedAtOnce - this.#beginLength() + 1;
        continue;
      }
      const start = at + this.#begin.lastIndex - this.#beginLength();
      const lines: Span[] = [[start, this.#endOfDigits(text, start)]];
      at = yield* this.#addLines(text, lines);
      found += lines.length;
      if (found >= foundAtOnce) {
        found = 0;
        yield;
      }
      if (isElsewhere([start, at]) || !this.#areEnough(lines)) continue;
      for (const [index, [from, to]] of lines.entries()) {
        result.add(text.slice(from, to), from, to);
        if (index % foundAtOnce === 0) yield;
      }
      // Whole groups of them, and one more, which no value reaches across.
      const { zero, group } = this.kind;
      result.add(zero.repeat(group * 2 - (result.length % group)), -1, -1);
    }
    return result;
  }

  #areEnough(lines: readonly Span[]): boolean {
    let count = 0;
    return lines.some(([from, to]) => (count += to - from) >= this.#shortest);
  }

  #beginLength(): number {
    return Math.min(this.#shortest, shortestLine);
  }

  #endOfDigits(text: string, at: number): number {
    this.#rest.lastIndex = at;
    this.#rest.test(text);
    return this.#rest.lastIndex;
  }

  /** The lines after the first, as far as all but the last are long ones; says where they end. */
  *#addLines(text: string, lines: Span[]): WorkInPieces<number> {
    for (;;) {
      if (lines.length % foundAtOnce === 0) yield;
      const [from, to] = lines.at(-1)!;
      this.#nextLine.lastIndex = to;
      if (to - from < shortestLine || !this.#nextLine.test(text)) return to;
      const start = this.#nextLine.lastIndex;
      lines.push([start, this.#endOfDigits(text, start)]);
    }
  }
}
