import { Script } from 'node:vm';

/** Longest expression and program, in characters; V8 and QuickJS parse recursively. */
const longestSource = 64 * 1024;

/** Why `source` is not one JavaScript expression, or `undefined` when it is. Compiles, never runs. */
export function expressionFault(source: string): string | undefined {
  if (source.trim() === '') return 'it is empty';
  if (source.length > longestSource) return `it is longer than ${longestSource} characters`;
  // Two frames: `1); (2` closes the first and `...x` fits the second, but only an expression fits both.
  return syntaxFault(`'use strict';(\n${source}\n)`) ?? syntaxFault(`'use strict';[[],\n${source}\n]`);
}

/** Why `source` is not the body of an async function, or `undefined` when it is. */
export function programFault(source: string): string | undefined {
  if (source.length > longestSource) return `it is longer than ${longestSource} characters`;
  return (
    syntaxFault(`(async function () {'use strict';\n${source}\n})`) ??
    syntaxFault(`async () => {'use strict';\n${source}\n}`)
  );
}

function syntaxFault(code: string): string | undefined {
  const { stackTraceLimit } = Error;
  // Collecting the stack takes longer than parsing.
  Error.stackTraceLimit = 0;
  try {
    return void new Script(code, { filename: 'expression' });
  } catch (error) {
    return (error as Error).message;
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}
