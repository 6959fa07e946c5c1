/** What keeps a pattern from being used: what it has that cannot be had, where, and what to do instead. */
export interface PatternProblem {
  /** Goes on after the name of the field, without a full stop. */
  readonly message: string;
  readonly hint: string;
}

/** A pattern that is no regular expression of ECMAScript, or one that cannot be checked in linear time. */
export class PatternRefusedError extends Error {
  readonly problem: PatternProblem;

  constructor(problem: PatternProblem) {
    super(problem.message);
    this.problem = problem;
  }

  static notRegular(why: string): PatternRefusedError {
    return new PatternRefusedError({
      message: `is no regular expression: ${why}`,
      hint: 'Write a regular expression of ECMAScript as with the flag u: escape only what has a meaning.',
    });
  }

  /** `what` is named as it stands in the pattern, at a character counted from 1. */
  static unbounded(what: string, at: number, hint: string): PatternRefusedError {
    const message = `cannot be checked in a time that is bounded: it has ${what} at character ${at + 1}`;
    return new PatternRefusedError({ message, hint });
  }

  static tooLarge(why: string): PatternRefusedError {
    return new PatternRefusedError({
      message: `is too large: ${why}`,
      hint: 'Limit lengths by minLength and maxLength instead of repeating, or check less by the pattern.',
    });
  }
}
