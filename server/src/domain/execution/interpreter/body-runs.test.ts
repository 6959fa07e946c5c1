import { expect, test } from '@jest/globals';
import type { BodyOutcome } from '../../nodes/node-type.ts';
import { BodyRuns } from './body-runs.ts';

const completed: BodyOutcome = { status: 'completed', output: 1 };
const failed: BodyOutcome = { status: 'failed', error: { code: 'oops', message: '', node_id: null, details: null } };

function runsOf(count: number, concurrency: number, stopOnFailure = true): BodyRuns {
  const bodies = Array.from({ length: count }, (_, index) => ({
    segment: String(index),
    body: { nodes: [], edges: [] },
  }));
  return new BodyRuns({ kind: 'bodies', bodies, concurrency, stopOnFailure });
}

/** The indices of all that may begin now. */
function begin(runs: BodyRuns): number[] {
  const begun: number[] = [];
  for (let next = runs.next(); next; next = runs.next()) {
    expect(next.start.segment).toBe(String(next.index));
    begun.push(next.index);
  }
  return begun;
}

test('as many run at once as may, and the next when one has ended', () => {
  const runs = runsOf(5, 2);
  expect(begin(runs)).toEqual([0, 1]);
  expect(runs.ended(1, completed)).toBe(false);
  expect(begin(runs)).toEqual([2]);
  expect([runs.ended(0, completed), runs.ended(2, completed)]).toEqual([false, false]);
  expect(begin(runs)).toEqual([3, 4]);
  expect([runs.ended(4, completed), runs.isOver, runs.ended(3, completed), runs.isOver]).toEqual([
    false,
    false,
    false,
    true,
  ]);
  expect(begin(runs)).toEqual([]);
});

test('the first that fails ends all, where that is so; those that had not ended are cancelled', () => {
  const runs = runsOf(4, 2);
  begin(runs);
  expect([runs.ended(1, failed), runs.isOver, begin(runs)]).toEqual([true, true, []]);
  expect(runs.outcomes.map(({ status }) => status)).toEqual(['cancelled', 'failed', 'cancelled', 'cancelled']);
});

test('otherwise the others go on to their ends', () => {
  const runs = runsOf(3, 1, false);
  expect(begin(runs)).toEqual([0]);
  expect([runs.ended(0, failed), runs.isOver, begin(runs)]).toEqual([false, false, [1]]);
  runs.ended(1, completed);
  expect(begin(runs)).toEqual([2]);
  runs.ended(2, failed);
  expect(runs.isOver).toBe(true);
  expect(runs.outcomes).toEqual([failed, completed, failed]);
});

test('nothing to run is over at once', () => {
  const runs = runsOf(0, 3);
  expect([begin(runs), runs.isOver, runs.outcomes]).toEqual([[], true, []]);
});
