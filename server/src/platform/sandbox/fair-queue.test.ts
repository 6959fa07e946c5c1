import { expect, test } from '@jest/globals';
import { FairQueue } from './fair-queue.ts';

const anybody = (): boolean => true;

/** Takes and ends jobs, each of which costs what its tenant's do, and names the tenants in their order. */
function turns(queue: FairQueue<string>, costs: Readonly<Record<string, number>>, count: number): string {
  let order = '';
  for (let turn = 0; turn < count; turn++) {
    const job = queue.take(anybody);
    if (job === undefined) break;
    const tenant = job[0]!;
    queue.ended(tenant, costs[tenant]!);
    order += tenant;
  }
  return order;
}

function filled(waiting: Readonly<Record<string, number>>): FairQueue<string> {
  const queue = new FairQueue<string>();
  for (const [tenant, count] of Object.entries(waiting))
    for (let index = 0; index < count; index++) queue.push(tenant, `${tenant}${index}`);
  return queue;
}

test('tenants whose jobs cost the same take turns, whoever has more of them', () => {
  expect(turns(filled({ a: 10, b: 3 }), { a: 5, b: 5 }, 9)).toBe('abababaaa');
});

test('turns go by the time that was used, not by the number of jobs', () => {
  expect(turns(filled({ a: 10, b: 100 }), { a: 50, b: 5 }, 23)).toBe(`a${'b'.repeat(10)}a${'b'.repeat(10)}a`);
});

test('jobs of one tenant keep their order', () => {
  const queue = filled({ a: 3 });
  expect([queue.take(anybody), queue.take(anybody), queue.take(anybody)]).toEqual(['a0', 'a1', 'a2']);
});

test('who comes later begins where the others stand: waiting is not saved up', () => {
  const queue = filled({ a: 10 });
  expect(turns(queue, { a: 100 }, 3)).toBe('aaa');
  for (let index = 0; index < 9; index++) queue.push('b', `b${index}`);
  expect(turns(queue, { a: 100, b: 100 }, 6)).toBe('ababab');
});

test('who has used much is not new again after a moment without work', () => {
  const queue = filled({ a: 1, b: 10 });
  expect(turns(queue, { a: 1_000, b: 10 }, 2)).toBe('ab');
  queue.push('a', 'a1');
  expect(turns(queue, { a: 1_000, b: 10 }, 6)).toBe('bbbbbb');
});

test('when nobody has work any more, all begin anew', () => {
  const queue = filled({ a: 1 });
  expect(turns(queue, { a: 1_000 }, 1)).toBe('a');
  queue.push('a', 'a1');
  queue.push('b', 'b0');
  expect(turns(queue, { a: 1, b: 1 }, 2)).toBe('ab');
});

test('what runs now counts as used', () => {
  const queue = new FairQueue<string>((tenant) => (tenant === 'a' ? 500 : 0));
  queue.push('a', 'a0');
  queue.push('b', 'b0');
  expect(queue.take(anybody)).toBe('b0');
});

test('a tenant that may have no turn is passed over, and loses nothing by it', () => {
  const queue = filled({ a: 2, b: 2 });
  expect(queue.take((tenant) => tenant !== 'a')).toBe('b0');
  expect(queue.take(anybody)).toBe('a0');
});

test('a job that is put back is the next of its tenant, which is charged for what it used', () => {
  const queue = filled({ a: 2, b: 2 });
  expect(queue.take(anybody)).toBe('a0');
  queue.putBack('a', 'a0', 50);
  expect([queue.size, queue.sizeOf('a')]).toEqual([4, 2]);
  expect(turns(queue, { a: 1, b: 1 }, 3)).toBe('bba');
  expect(queue.take(anybody)).toBe('a1');
});

test('what is removed gets no turn', () => {
  const queue = filled({ a: 2, b: 1 });
  expect(queue.remove('a', 'a0')).toBe(true);
  expect(queue.remove('a', 'a0')).toBe(false);
  expect([...queue.heads()]).toEqual(['a1', 'b0']);
  expect(queue.clear()).toEqual(['a1', 'b0']);
  expect(queue.take(anybody)).toBeUndefined();
});
