/** How many of the faults that were put in the tests noticed. */
export interface Score {
  readonly noticed: number;
  readonly all: number;
}

/** A sample this unlikely is not put down to chance. */
const unlikely = 0.05;

/**
 * Whether a sample says that its folder misses its threshold (percent): tests that notice as many as the threshold asks for would
 * notice as few as these in fewer than one sample of twenty. A small one says so only when most faults survive.
 */
export function misses({ noticed, all }: Score, threshold: number): boolean {
  return probabilityOfAtMost(noticed, all, threshold / 100) < unlikely;
}

/** Of at most so many successes in so many trials, each with the same probability: the binomial distribution. */
function probabilityOfAtMost(successes: number, trials: number, probability: number): number {
  if (successes >= trials) return 1;
  if (probability === 1) return 0;
  let term = (1 - probability) ** trials;
  let sum = term;
  for (let count = 1; count <= successes; count += 1) {
    term *= ((trials - count + 1) / count) * (probability / (1 - probability));
    sum += term;
  }
  return sum;
}
