import { expect, test } from '@jest/globals';
import { formatProblem, GeneratorError, type Problem, Problems } from './problems.ts';

const at = (file: string, line: number, column: number): Problem => ({
  code: 'wrong',
  message: 'is wrong',
  location: { file, line, column },
});

test('problems are told in the order of their places; those without a place come first', () => {
  const nowhere = { code: 'wrong', message: 'is wrong' };
  const given = [at('b.yaml', 1, 1), at('a.yaml', 10, 1), nowhere, at('a.yaml', 2, 7), at('a.yaml', 2, 10)];
  const { problems, message, name } = new GeneratorError(given);
  expect(problems).toEqual([nowhere, at('a.yaml', 2, 7), at('a.yaml', 2, 10), at('a.yaml', 10, 1), at('b.yaml', 1, 1)]);
  expect(message.split('\n')).toEqual(problems.map(formatProblem));
  expect(name).toBe('GeneratorError');
});

test('a problem is a line, and its hint another', () => {
  expect(formatProblem(at('a.yaml', 2, 7))).toBe('a.yaml:2:7 error wrong: is wrong');
  expect(formatProblem({ code: 'wrong', message: 'is wrong', hint: 'mend it' })).toBe(
    'error wrong: is wrong\n  hint: mend it',
  );
});

test('what is reported twice counts once', () => {
  const problems = new Problems();
  problems.throwIfAny();
  problems.add(at('a.yaml', 1, 1));
  problems.add(at('a.yaml', 1, 1));
  problems.add(at('a.yaml', 1, 2));
  expect(problems.list).toEqual([at('a.yaml', 1, 1), at('a.yaml', 1, 2)]);
  expect(() => problems.throwIfAny()).toThrow(GeneratorError);
});

test('a feature that is skipped is no problem, and is counted; another says how to skip it', () => {
  const problems = new Problems(['odd']);
  const feature = (code: string, hint?: string): Problem => ({
    code,
    message: 'cannot be said',
    ...(hint && { hint }),
  });
  expect([problems.unsupported(feature('odd')), problems.unsupported(feature('odd'))]).toEqual([true, true]);
  expect([...problems.skipped]).toEqual([['odd', 2]]);
  expect(problems.list).toEqual([]);
  expect(problems.unsupported(feature('even'))).toBe(false);
  expect(problems.unsupported(feature('even', 'use odd'))).toBe(false);
  const skip = `or add 'even' to "skip" in the configuration to generate without it`;
  expect(problems.list.map(({ hint }) => hint)).toEqual([`change the contract, ${skip}`, `use odd, ${skip}`]);
});
