import { beforeEach, expect, test } from '@jest/globals';
import type { Json } from '../../domain-error.ts';
import type { Evaluator } from '../../language/index.ts';
import type { Scope } from '../../nodes/node-type.ts';
import { Expressions, scopeOf } from './expressions.ts';

const { signal } = new AbortController();
const scope: Scope = {
  input: {},
  steps: { a: { output: 1, status: 'completed' } },
  variables: { n: 1 },
  trigger: null,
  execution: { id: 'exec_1', workflow_id: 'wf_1', started_at: '2026-01-01T00:00:00.000Z' },
};
/** What the evaluator is asked. */
let asked: unknown[][];
let expressions: Expressions;

beforeEach(() => {
  asked = [];
  const evaluator = {
    evaluate: async (...given: unknown[]) => (asked.push(given), 7),
    isTrue: async (...given: unknown[]) => (asked.push(given), true),
    program: async (...given: unknown[]) => {
      asked.push(given);
      return { value: 8, logs: [{ level: 'info', message: 'hello', at: 5 }] };
    },
  } as unknown as Evaluator;
  expressions = new Expressions(evaluator, { runId: 'exec_1', organisationId: 'org_1', signal }, 1_000);
});

test('chance follows from the run, the path and the attempt, and now is what the records know of', async () => {
  expect(await expressions.evaluate('{{ 1 }}', scope, { path: 'a', attempt: 2 })).toBe(7);
  expect(await expressions.isTrue('true', scope, { path: 'b' })).toBe(true);
  const turn = { organisationId: 'org_1', signal, now: 1_000 };
  expect(asked).toEqual([
    ['{{ 1 }}', scope, { ...turn, seed: 'exec_1:a:2' }],
    ['true', scope, { ...turn, seed: 'exec_1:b:1' }],
  ]);
});

test('the clock goes on and never back', () => {
  expressions.advance(3_000);
  expressions.advance(2_000);
  expect(expressions.clock).toBe(3_000);
});

test('a program gets its locals and the signal that ends it; of what it logged the level and the words are kept', async () => {
  const own = new AbortController().signal;
  const outcome = { value: 8, logs: [{ level: 'info', message: 'hello' }] };
  expect(await expressions.program('return 8', scope, { path: 'a' }, { locals: { n: 5 }, signal: own })).toEqual(
    outcome,
  );
  await expressions.program('return 8', scope, { path: 'a' }, { signal: own });
  const turn = { organisationId: 'org_1', signal: own, seed: 'exec_1:a:1', now: 1_000 };
  expect(asked).toEqual([
    ['return 8', scope, { ...turn, locals: { n: 5 } }],
    ['return 8', scope, turn],
  ]);
});

const localsOf = (): unknown => (asked.at(-1)![2] as { locals: unknown }).locals;

test('the loop of an expression knows the loop around it, with its item', async () => {
  const loop = { index: 1 };
  await expressions.evaluate('', scope, { path: 'a' }, { locals: { loop } });
  expect(localsOf()).toEqual({ loop });
  const inner = { ...scope, item: 'x', loop: { index: 4 } };
  await expressions.evaluate('', inner, { path: 'a' }, { locals: { loop, item: 'y' } });
  expect(localsOf()).toEqual({ item: 'y', loop: { index: 1, outer: { index: 4, item: 'x' } } });
  for (const none of [null, 7] as Json[]) {
    await expressions.evaluate('', inner, { path: 'a' }, { locals: { loop: none } });
    expect(localsOf()).toEqual({ loop: none });
  }
});

test('a body sees what its node sees, with steps of its own beside the others', () => {
  const start = { segment: '0', body: { nodes: [], edges: [] } };
  const inner = scopeOf(scope, { ...start, item: null, loop: { index: 0 } });
  expect(inner).toEqual({ ...scope, item: null, loop: { index: 0 } });
  inner.steps.b = { output: 2, status: 'completed' };
  expect(scope.steps).not.toHaveProperty('b');
  expect(inner.variables).toBe(scope.variables);
  const branch = scopeOf({ ...scope, item: 'x', loop: { index: 4 } }, start);
  expect(branch).toMatchObject({ item: 'x', loop: { index: 4 } });
  expect(scopeOf(scope, start)).not.toHaveProperty('item');
  const outer = scopeOf({ ...scope, loop: { index: 4 } }, { ...start, loop: { index: 0 } });
  expect(outer.loop).toEqual({ index: 0, outer: { index: 4 } });
});
