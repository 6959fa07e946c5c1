/** A text that another one holds in an encoded form. */
export interface View {
  readonly text: string;
  /**
   * Where in the encoded text the decoded characters from `start` to before `end` stand; undefined where they do not
   * belong together there.
   */
  source(start: number, end: number): Span | undefined;
}

/** From `start` to before `end`. */
export type Span = readonly [start: number, end: number];

const partsAtOnce = 4_096;

/** A text put together from parts of another one, which knows where each part stands there. */
export class AssembledText {
  /** Parts that were joined, and those that were not yet: to join millions at the end takes long. */
  readonly #joined: string[] = [];
  #parts: string[] = [];
  /** Where each part begins, here and there, and where it ends there. */
  readonly #at: number[] = [];
  readonly #from: number[] = [];
  readonly #to: number[] = [];
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** Parts of the same length as their source are taken for copies, others for something that has no parts. */
  add(part: string, from: number, to: number): void {
    if (part === '') return;
    this.#parts.push(part);
    if (this.#parts.length >= partsAtOnce) this.#join();
    this.#at.push(this.#length);
    this.#from.push(from);
    this.#to.push(to);
    this.#length += part.length;
  }

  /** Never what is between two parts of the source. */
  text(): string {
    this.#join();
    return this.#joined.join('');
  }

  /** In the other text; undefined when it begins or ends in an addition, which stands nowhere there. */
  source(start: number, end: number): Span | undefined {
    const [first, last] = [this.#partAt(start), this.#partAt(end - 1)];
    const [from, to] = [this.#from[first]!, this.#to[last]!];
    if (from < 0 || to < 0) return undefined;
    return [
      this.#isCopy(first) ? from + start - this.#at[first]! : from,
      this.#isCopy(last) ? this.#from[last]! + end - this.#at[last]! : to,
    ];
  }

  /** Whether the whole span of the other text was copied as it is, in one part. */
  hasCopyOf([start, end]: Span): boolean {
    const part = lastNotAfter(this.#from, start);
    return part >= 0 && end <= this.#to[part]! && this.#isCopy(part);
  }

  #isCopy(part: number): boolean {
    const source = this.#to[part]! - this.#from[part]!;
    return source === (this.#at[part + 1] ?? this.#length) - this.#at[part]!;
  }

  #join(): void {
    this.#joined.push(this.#parts.join(''));
    this.#parts = [];
  }

  #partAt(position: number): number {
    return lastNotAfter(this.#at, position);
  }
}

/** The index of the last of the ascending numbers that is at most `limit`; -1 when there is none. */
function lastNotAfter(ascending: readonly number[], limit: number): number {
  let [low, high] = [-1, ascending.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (ascending[middle]! <= limit) low = middle;
    else high = middle - 1;
  }
  return low;
}
