import { expect, test } from '@jest/globals';
import type { Json } from '../../domain-error.ts';
import { maxLevels, maxNames } from '../../json-bounds.ts';
import { SizeLimits } from './size-limits.ts';

/** A value that counts so many bytes. */
const of = (bytes: number): string => 'x'.repeat(bytes - 16);
const nested = (levels: number): Json => JSON.parse(`${'['.repeat(levels)}${']'.repeat(levels)}`) as Json;
const MiB = 1_048_576;

test('a node is given and makes as much as its bound, and not a byte more', () => {
  const sizes = new SizeLimits({ node: MiB, execution: Infinity });
  sizes.checkInput(of(MiB));
  sizes.checkOutput(of(MiB));
  const details = { limit_bytes: MiB };
  const larger = (what: string): string => `${what} is larger than the 1 MiB that the plan allows.`;
  expect(() => sizes.checkInput(of(MiB + 1))).toThrow(
    expect.objectContaining({ code: 'input_too_large', message: larger('What the node is given'), details }),
  );
  expect(() => sizes.checkOutput(of(MiB + 1))).toThrow(
    expect.objectContaining({ code: 'output_too_large', message: larger('What the node made'), details }),
  );
});

test('an execution keeps as much as its bound, and not a byte more', () => {
  const sizes = new SizeLimits({ node: Infinity, execution: 1_000 });
  expect(sizes.keep(of(400), undefined, of(100))).toBe(500);
  expect(sizes.keep(of(500))).toBe(500);
  expect(sizes.keep(undefined)).toBe(0);
  expect(() => sizes.keep(null)).toThrow(
    expect.objectContaining({ code: 'execution_too_large', details: { limit_bytes: 1_000 } }),
  );
});

test('what a node made is counted once, its answer and its variables besides', () => {
  const sizes = new SizeLimits({ node: 1_000, execution: Infinity });
  const output = { n: 1 };
  const alone = sizes.keepResult({ output });
  expect(sizes.keepResult({ output, variables: output })).toBe(alone);
  expect(sizes.keepResult({ output, variables: { n: 1 } })).toBe(2 * alone);
  const answer = (body: Json) => ({ output, response: { status: 200, headers: {}, body } });
  expect(sizes.keepResult(answer(of(100)))).toBe(alone + 100);
  expect(() => sizes.keepResult(answer(of(1_001)))).toThrow(expect.objectContaining({ code: 'output_too_large' }));
  expect(() => sizes.keepResult({ output: of(1_001) })).toThrow(expect.objectContaining({ code: 'output_too_large' }));
});

test('what a node makes nests as deep as can be stored, and not a level more; what it is given is not looked at', () => {
  const sizes = new SizeLimits();
  sizes.checkOutput(nested(maxLevels));
  expect(() => sizes.checkOutput(nested(maxLevels + 1))).toThrow(expect.objectContaining({ code: 'result_too_deep' }));
  sizes.checkInput(nested(maxLevels + 1));
});

const withNames = (count: number): Json => Object.fromEntries(Array.from({ length: count }, (_, id) => [`k${id}`, 1]));

test('an object of what a node makes has as many names, and not one more; what it is given is not looked at', () => {
  const sizes = new SizeLimits({ node: Infinity, execution: Infinity, names: maxNames });
  sizes.checkOutput([withNames(maxNames)]);
  expect(() => sizes.checkOutput([withNames(maxNames + 1)])).toThrow(
    expect.objectContaining({
      code: 'too_many_names',
      message: 'The result has an object with more than 20,000 names.',
      details: { limit_names: maxNames },
    }),
  );
  sizes.checkInput(withNames(maxNames + 1));
});

test('an execution that was accepted without bounds has none', () => {
  const sizes = new SizeLimits();
  sizes.checkOutput(withNames(maxNames + 1));
  sizes.checkInput(of(50 * MiB));
  expect(sizes.keep(of(50 * MiB))).toBe(50 * MiB);
});
