import { expect, test } from '@jest/globals';
import { mutantsOf, mutated } from './mutants.ts';

/** The source with each of its faults. */
const faults = (source: string): string[] => mutantsOf(source).map((mutant) => mutated(source, mutant));

test.each([
  ['a < b', ['a <= b']],
  ['a >= b', ['a > b']],
  ['a === b', ['a !== b']],
  ['a && b', ['a || b']],
  ['a - b', ['a + b']],
  ['a += b', ['a -= b']],
  ['a ?? b', ['(a)']],
  ['!a', ['(a)']],
  ['a = 10_000', ['a = 10001']],
  ['a = true', ['a = false']],
  ['a ? b : c', ['true ? b : c', 'false ? b : c']],
  ['if (a) b = c', ['if (true) b = c', 'if (false) b = c']],
  ['await a.close()', [';']],
  ['void stop()', [';']],
  ['a = b.some(c)', ['a = b.every(c)']],
  ['a = Math.min(b, c)', ['a = Math.max(b, c)']],
  ['try { a = b } finally { c = d }', ['try { a = b } finally {}']],
])('%s', (source, expected) => {
  expect(faults(source)).toEqual(expected);
});

test.each([
  ['types', 'type A = 1 | 2; interface B { a: 3 }; let c: Array<4>'],
  ['imports', "import { a } from 'b'"],
  ['decorators', '@Size(3) class A {}'],
  ['what is logged', "log.warn('a'); this.#log.error(b)"],
  ['the call of a base class', 'class A extends B { constructor() { super(); } }'],
])('there is no fault in %s', (_, source) => {
  expect(faults(source)).toEqual([]);
});

test('faults come in the order of their places, with their lines', () => {
  const mutants = mutantsOf('if (a < 1) {\n  stop();\n}\n');
  expect(mutants.map(({ line, kind }) => [line, kind])).toEqual([
    [1, 'condition'],
    [1, 'condition'],
    [1, 'operator'],
    [1, 'number'],
    [2, 'call'],
  ]);
});
