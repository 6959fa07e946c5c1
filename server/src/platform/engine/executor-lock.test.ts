import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '../../../test/database.ts';
import { until } from '../../../test/until.ts';
import { ExecutorLock } from './executor-lock.ts';

let database: TestDatabase;
let lock: ExecutorLock;
const goOn = { retaken: Promise.withResolvers<void>(), tick: Promise.withResolvers<void>() };

beforeAll(async () => {
  database = await createTestDatabase();
});
afterEach(async () => {
  goOn.retaken.resolve();
  goOn.tick.resolve();
  await lock.stop();
});
afterAll(() => database.drop());

async function endSession(): Promise<void> {
  await database.orm.em
    .getConnection()
    .execute(
      "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'flowpact_executor_tested'",
    );
}

test('a lock that was lost is held again when it is known which runs and places are left, and not before', async () => {
  const steps: string[] = [];
  let wasLost = false;
  lock = new ExecutorLock(database.url, 'tested', 30_000, [], {
    tick: async (query) => {
      await query('select 1', []);
      if (!wasLost) return;
      steps.push('tick');
      await goOn.tick.promise;
    },
    heard: () => undefined,
    retaken: () => {
      steps.push('retaken');
      return goOn.retaken.promise;
    },
    warn: () => undefined,
  });
  await lock.take();
  lock.watch();
  expect(lock.isHeld).toBe(true);
  wasLost = true;
  await endSession();
  await until(() => steps.includes('retaken'));
  expect(lock.isHeld).toBe(false);
  goOn.retaken.resolve();
  await until(() => steps.includes('tick'));
  expect(lock.isHeld).toBe(false);
  goOn.tick.resolve();
  await until(() => lock.isHeld);
});
