import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '../../../test/database.ts';
import { sketch } from '../../../test/executions/sketch.ts';
import { begin, type Entry, kill, Workers } from '../../../test/executions/workers.ts';
import { until } from '../../../test/until.ts';

const limit = 3;
const one = sketch({ a: { type: 'journaled', params: { ms: 60 } } }, []);
const longer = sketch({ a: { type: 'journaled', params: { ms: 400 } } }, []);
let database: TestDatabase;
let workers: Workers;

beforeAll(async () => {
  database = await createTestDatabase();
  workers = new Workers(database.url, { TENANT_LIMIT: String(limit) });
});
afterEach(() => workers.clear());
afterAll(async () => {
  workers.remove();
  await database.drop();
});

async function allCompleted(count: number): Promise<void> {
  const rows = (): Promise<{ status: string; count: string }[]> =>
    database.orm.em.getConnection().execute('select status, count(*) from execution group by status');
  const isCompleted = async (): Promise<boolean> => {
    const found = await rows();
    return found.length === 1 && found[0]!.status === 'completed' && Number(found[0]!.count) === count;
  };
  await until(isCompleted, { within: 30_000, seen: rows });
}

/** How many steps were at work at one time, at most; those that a kill cut short do not count. */
function maxAtOnce(counts: (begun: Entry) => boolean = () => true): number {
  const entries = workers.entries();
  const spans = entries.filter(counts).flatMap(({ what, key, pid, at }) => {
    const end = entries.find((entry) => entry.what === 'end' && entry.key === key && entry.pid === pid);
    return what === 'begin' && end ? [{ from: at, to: end.at }] : [];
  });
  return Math.max(...spans.map(({ from }) => spans.filter((span) => span.from <= from && from < span.to).length));
}

let total = 0;
async function beginAll(
  definition: typeof one,
  counts: readonly (readonly [Awaited<ReturnType<Workers['start']>>, number])[],
) {
  total += counts.reduce((sum, [, count]) => sum + count, 0);
  await Promise.all(counts.map(([worker, count]) => begin(worker, definition, count)));
}

test('the processes together keep to the limit of a tenant, and use it', async () => {
  const [first, second, third] = await Promise.all([workers.start(), workers.start(), workers.start()]);
  await beginAll(one, [
    [first, 10],
    [second, 10],
    [third, 1],
  ]);
  await allCompleted(total);
  expect(maxAtOnce()).toBe(limit);
});

test('what one process cannot start is started where the places are', async () => {
  const [holder, other] = await Promise.all([workers.start(), workers.start()]);
  await beginAll(one, [[holder, limit]]);
  await beginAll(one, [[other, 6]]);
  await allCompleted(total);
  expect(maxAtOnce()).toBeLessThanOrEqual(limit);
});

test('the places of a killed process are free for its runs and for those that wait', async () => {
  const [doomed, survivor] = await Promise.all([workers.start(), workers.start()]);
  await beginAll(one, [
    [doomed, 8],
    [survivor, 4],
  ]);
  await kill(doomed);
  await allCompleted(total);
  expect(maxAtOnce()).toBeLessThanOrEqual(limit);
});

test('a process that was stopped and goes on starts nothing beyond the limit', async () => {
  const [stopped, other] = await Promise.all([workers.start(), workers.start()]);
  await beginAll(one, [[stopped, 4]]);
  // All that may begin have begun: what is between the look at the lock and its step begins when the process goes on.
  await until(() => workers.entries().length >= limit);
  stopped.kill('SIGSTOP');
  await beginAll(one, [[other, 8]]);
  await allCompleted(total);
  await beginAll(longer, [[other, 9]]);
  const continuedAt = Date.now();
  stopped.kill('SIGCONT');
  await beginAll(one, [
    [stopped, 6],
    [other, 6],
  ]);
  await allCompleted(total);
  // The step that the stop froze ends now, a second after others took its run over; what counts is what begins.
  const wasFrozen = ({ pid, at }: Entry): boolean => pid === stopped.pid && at < continuedAt;
  expect(maxAtOnce((begun) => !wasFrozen(begun))).toBeLessThanOrEqual(limit);
});
