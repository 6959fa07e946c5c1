import type { WorkInPieces } from '../work-in-pieces.ts';

/** Characters that are looked for first: a search for long texts that repeat themselves takes seconds. */
const headLength = 64;
/** Characters that are searched between two pauses at most, and places that are found. */
const searchedAtOnce = 262_144;
const foundAtOnce = 1_024;

/** A text that is looked for in others, in a time that is proportional to their length. */
export class Needle {
  readonly length: number;
  readonly label: string;
  readonly #text: string;
  readonly #head: string;
  #borders: Int32Array | undefined;

  constructor(text: string, label: string) {
    this.length = text.length;
    this.label = label;
    this.#text = text;
    this.#head = text.slice(0, headLength);
  }

  /** Where it stands in the text, at places that do not overlap, and pauses between. */
  *placesIn(text: string): Generator<number | undefined, void, undefined> {
    let found = 0;
    for (let at = 0; at + this.length <= text.length;) {
      const part = text.slice(at, at + searchedAtOnce + this.#head.length - 1);
      const place = part.indexOf(this.#head);
      if (place < 0) {
        at += searchedAtOnce;
        yield undefined;
        continue;
      }
      const end = yield* this.#compare(text, at + place);
      if (end.isFound) yield end.at - this.length;
      at = end.at;
      if (++found % foundAtOnce === 0) yield undefined;
    }
  }

  /** Goes on where the head stands, as far as anything fits (Knuth, Morris and Pratt): each character is looked at once. */
  *#compare(text: string, start: number): WorkInPieces<{ readonly at: number; readonly isFound: boolean }> {
    if (this.length <= headLength) return { at: start + this.length, isFound: true };
    const borders = (this.#borders ??= bordersOf(this.#text));
    let fits = 0;
    for (let at = start; at < text.length;) {
      fits = longestFit(this.#text, borders, fits, text.charCodeAt(at));
      at += 1;
      if (fits === this.length) return { at, isFound: true };
      if (fits === 0) return { at, isFound: false };
      if (at % searchedAtOnce === 0) yield;
    }
    return { at: text.length, isFound: false };
  }
}

/** For each beginning of a text, the length of the longest shorter one that it ends with. */
function bordersOf(text: string): Int32Array {
  const borders = new Int32Array(text.length);
  for (let at = 1; at < text.length; at += 1)
    borders[at] = longestFit(text, borders, borders[at - 1]!, text.charCodeAt(at));
  return borders;
}

/** How much of the beginning fits after one more character, where `fits` characters did before it. */
function longestFit(text: string, borders: Int32Array, fits: number, unit: number): number {
  let length = fits;
  while (length > 0 && text.charCodeAt(length) !== unit) length = borders[length - 1]!;
  return text.charCodeAt(length) === unit ? length + 1 : length;
}
