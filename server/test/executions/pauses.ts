import type { Hold } from '../../src/domain/execution/interpreter/graph-run-options.ts';

/** A pause, in milliseconds of the clock. */
export interface PauseWindow {
  readonly from: number;
  readonly to: number;
}

/** An execution that is paused and resumed at known times, which do not overlap. */
export class Pauses implements Hold {
  readonly known = undefined;
  readonly #windows: readonly PauseWindow[];

  constructor(windows: readonly PauseWindow[]) {
    this.#windows = windows;
  }

  get #current(): PauseWindow | undefined {
    const now = Date.now();
    return this.#windows.find(({ from, to }) => from <= now && now < to);
  }

  isHeld(): boolean {
    return this.#current !== undefined;
  }

  async released(): Promise<void> {
    const current = this.#current;
    if (current) await new Promise((resolve) => setTimeout(resolve, current.to - Date.now()));
  }

  async isOver(): Promise<boolean> {
    return !this.isHeld();
  }

  async heldMs(): Promise<number> {
    const now = Date.now();
    return this.#windows.reduce((sum, { from, to }) => sum + Math.max(0, Math.min(now, to) - from), 0);
  }
}
