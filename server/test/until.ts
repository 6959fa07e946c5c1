import { setTimeout as sleep } from 'node:timers/promises';

type Found<T> = T | undefined | false;

export interface UntilOptions {
  /** Milliseconds: for what never comes, far more than what a busy machine needs. */
  within?: number;
  /** What the error shows when it never came. */
  seen?: () => unknown;
}

/** Looks again and again until `look` finds something, which it resolves to. */
export async function until<T>(
  look: () => Promise<Found<T>> | Found<T>,
  { within = 60_000, seen }: UntilOptions = {},
): Promise<T> {
  for (const deadline = Date.now() + within; ; await sleep(10)) {
    const found = await look();
    if (found) return found;
    if (Date.now() > deadline)
      throw new Error(`Not within ${within} ms.${seen ? ` Seen: ${JSON.stringify(await seen())}` : ''}`);
  }
}
