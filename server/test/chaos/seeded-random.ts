/** Random numbers that are the same for the same seed (mulberry32): what a test or a tool chose can be chosen again. */
export class SeededRandom {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  /** At least `low` and below `high`. */
  between(low: number, high: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return low + (((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * (high - low);
  }

  /** One of the things, each as likely as the others. */
  oneOf<T>(things: readonly T[]): T {
    return things[Math.floor(this.between(0, things.length))]!;
  }
}
