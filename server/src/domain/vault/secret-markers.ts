import type { Sealer } from '../sealer.ts';

const pattern = /FPSECRET-([A-Za-z_][A-Za-z0-9_]{0,63})-([0-9a-f]{32})/g;

/**
 * What stands for a secret in the values of an execution. A marker can be made by this installation only and counts in
 * one execution only, so nobody gets a secret sent by writing a marker into an input. Its letters survive URLs and headers.
 */
export class SecretMarkers {
  readonly #sealer: Sealer;

  constructor(sealer: Sealer) {
    this.#sealer = sealer;
  }

  /** The same at every replay, as long as the master keys are. */
  of(executionId: string, name: string): string {
    return `FPSECRET-${name}-${this.#codes(executionId, name)[0]!}`;
  }

  /** The names behind the genuine markers in a text. */
  namesIn(executionId: string, text: string): string[] {
    const names = [...text.matchAll(pattern)].filter(([, name, code]) => this.#isGenuine(executionId, name!, code!));
    return [...new Set(names.map(([, name]) => name!))];
  }

  /** The text with each genuine marker replaced by what `value` gives for its name. */
  replaced(executionId: string, text: string, value: (name: string) => string): string {
    return text.replaceAll(pattern, (marker: string, name: string, code: string) =>
      this.#isGenuine(executionId, name, code) ? value(name) : marker,
    );
  }

  /** A former master key made markers that are still on their way. */
  #isGenuine(executionId: string, name: string, code: string): boolean {
    return this.#codes(executionId, name).includes(code);
  }

  #codes(executionId: string, name: string): string[] {
    return this.#sealer.codes(`secret marker\0${executionId}\0${name}`);
  }
}

/** Whether a text may hold markers, genuine or not. */
export function mayHoldMarkers(text: string): boolean {
  return text.includes('FPSECRET-');
}
