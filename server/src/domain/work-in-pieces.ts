/**
 * Work with places at which it may be interrupted. Between two of them it is busy for a few milliseconds at most, whatever it
 * was given.
 */
export type WorkInPieces<Result> = Generator<undefined, Result, undefined>;

/** Milliseconds of work in one turn of the event loop, about. */
const pieceMs = 4;

/** Does the work in one go: for what is known to be small. */
export function atOnce<Result>(work: WorkInPieces<Result>): Result {
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
  }
}

const waiting: (() => void)[] = [];

/**
 * Does the work in pieces and lets the event loop turn between them. Each turn does one piece, however many work so at the
 * same time.
 */
export async function inPieces<Result>(work: WorkInPieces<Result>): Promise<Result> {
  for (let until = performance.now() + pieceMs; ;) {
    const { done, value } = work.next();
    if (done) return value;
    if (performance.now() < until) continue;
    await turn();
    until = performance.now() + pieceMs;
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => {
    waiting.push(resolve);
    if (waiting.length === 1) setImmediate(next);
  });
}

function next(): void {
  waiting.shift()!();
  if (waiting.length > 0) setImmediate(next);
}
