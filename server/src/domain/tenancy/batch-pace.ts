import { eventLoop } from './event-loop-turns.ts';

/** Milliseconds that a call should take at most while organisations share it, as those see it who wait for it. */
const targetMs = 10;
/** The smallest part of its full size that a call is cut to: what batches are for has to be left. */
const minShare = 1 / 64;
/** How much calls grow with each one that was short. */
const growth = 1.1;

/**
 * How much goes into one call of a batcher. Everybody whose item comes while a call is under way waits for its end, so
 * while several organisations are at work, calls are cut to what takes a hundredth of a second. An organisation alone gets
 * the full size, which costs the least.
 */
export class BatchPace {
  readonly #isShared: () => boolean;
  #share = 1;

  constructor(isShared: () => boolean = () => eventLoop.isShared) {
    this.#isShared = isShared;
  }

  /** Whether several organisations are at work. */
  get isShared(): boolean {
    return this.#isShared();
  }

  /** The part of its full size that the next call may have, from 1/64 to 1. */
  get share(): number {
    return this.#isShared() ? this.#share : 1;
  }

  /** A call that had this part of the full size took so many milliseconds. */
  took(part: number, ms: number): void {
    if (!this.#isShared()) return;
    const share = ms > targetMs ? Math.min(this.#share, (part * targetMs) / ms) : this.#share * growth;
    this.#share = Math.min(1, Math.max(minShare, share));
  }
}
