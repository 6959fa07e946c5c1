import { RE2JS } from 're2js';
import { parsePattern, parseWholePattern } from './parse-pattern.ts';
import { type PatternProblem, PatternRefusedError } from './pattern-problem.ts';
import { assertFits, toRe2 } from './to-re2.ts';

/** A pattern that matches in a time linear in the length of the text. */
export interface CompiledPattern {
  test(text: string): boolean;
}

/**
 * What keeps a pattern that a user wrote (ECMAScript, flag `u`), and that whole answers have to match, from being used, or
 * `undefined`. Only looks at the text, in a time linear in its length, so that it may be asked anywhere.
 */
export function wholePatternProblem(pattern: string): PatternProblem | undefined {
  try {
    parseWholePattern(pattern).forEach(assertFits);
    return undefined;
  } catch (error) {
    if (error instanceof PatternRefusedError) return error.problem;
    throw error;
  }
}

/**
 * The pattern on RE2, with the meaning that ECMAScript gives it. Throws PatternRefusedError. Compiling takes up to 100 ms and
 * texts may be long: for threads of the sandbox only.
 */
export function compilePattern(source: string): CompiledPattern {
  const parts = parsePattern(source).map((part) => ({ matcher: RE2JS.compile(toRe2(part)), negate: part.negate }));
  return { test: (text) => parts.every(({ matcher, negate }) => matcher.test(text) !== negate) };
}
