import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { until } from '../../../test/until.ts';
import { ReadinessChecks } from '../../domain/readiness-checks.ts';
import { Metrics } from '../telemetry/metrics.ts';
import { ProcessWorkerLoops } from './process-worker-loops.ts';
import { WorkerLoopsModule } from './worker-loops.module.ts';

const never = 3_600_000;
let loops: ProcessWorkerLoops;
let metrics: Metrics;
let readiness: ReadinessChecks;
let told: unknown[][];
let notify: () => Promise<unknown>;
let warned: unknown[];

beforeEach(() => {
  [told, warned] = [[], []];
  notify = async () => undefined;
  jest.spyOn(Logger.prototype, 'warn').mockImplementation((...given: unknown[]) => void warned.push(given));
});
afterEach(async () => {
  await loops.stop();
  jest.restoreAllMocks();
});

/** As Nest makes them. */
function make(role: string): void {
  const [provider] = Reflect.getMetadata('providers', WorkerLoopsModule) as [
    { provide: unknown; useFactory(...given: unknown[]): ProcessWorkerLoops },
  ];
  expect(provider.provide).toBe(ProcessWorkerLoops);
  const execute = (...given: unknown[]): Promise<unknown> => {
    told.push(given);
    return notify();
  };
  metrics = new Metrics();
  readiness = new ReadinessChecks();
  const orm = { em: { getConnection: () => ({ execute }) } };
  loops = provider.useFactory(orm, { settings: { FLOWPACT_ROLE: role } }, metrics, readiness);
}

const metric = async (name: string): Promise<number> =>
  Number((await metrics.text()).split('\n').find((line) => line.startsWith(`flowpact_worker_loop_${name}`))?.split(' ').at(-1)); // prettier-ignore

test('a process that works wakes its own loops', async () => {
  make('all');
  let rounds = 0;
  loops.add('due', { everyMs: never, run: async () => void (rounds += 1) });
  loops.start();
  await until(() => rounds === 1);
  await new Promise(setImmediate);
  loops.wake('due');
  await until(() => rounds === 2);
  expect(told).toEqual([]);
});

test('one that does not tells the others; that it could not is logged and no more', async () => {
  make('api');
  notify = () => Promise.reject(new Error('no database'));
  loops.add('due', { everyMs: 1, run: async () => undefined });
  loops.start();
  loops.wake('due');
  expect(told).toEqual([['select pg_notify(?, ?)', ['flowpact_wake', 'due']]]);
  await until(() => warned.length > 0);
  expect(warned).toEqual([[{ err: new Error('no database'), loop: 'due' }, expect.any(String)]]);
});

test('a loop that fails is counted, logged, and shown while it fails; a vital one makes the process not ready', async () => {
  make('worker');
  let now = Date.now();
  jest.spyOn(Date, 'now').mockImplementation(() => now);
  let isFailing = true;
  let rounds = 0;
  const run = async (): Promise<void> => {
    rounds += 1;
    if (isFailing) throw new Error('no');
  };
  loops.add('due', { everyMs: 1, isVital: true, run });
  loops.start();
  await until(() => rounds > 3);
  now += 29_999;
  expect(readiness.results()).toEqual([{ name: 'worker_loops', problem: undefined }]);
  now += 1;
  expect(readiness.results()[0]!.problem).toBe('the loop due has failed for 30 seconds');
  expect(await metric('failing_seconds{loop="due"}')).toBe(30);
  expect(await metric('failures_total{loop="due"}')).toBeGreaterThanOrEqual(3);
  expect(warned.length).toBeGreaterThanOrEqual(3);
  isFailing = false;
  const failed = rounds;
  await until(() => rounds > failed + 1);
  expect([readiness.results()[0]!.problem, await metric('failing_seconds{loop="due"}')]).toEqual([undefined, 0]);
});

test('a round that hangs is shown, and makes the process not ready after five minutes', async () => {
  make('worker');
  let now = Date.now();
  jest.spyOn(Date, 'now').mockImplementation(() => now);
  const end = Promise.withResolvers<void>();
  loops.add('due', { everyMs: never, isVital: true, run: () => end.promise });
  loops.start();
  now += 299_999;
  expect(readiness.results()[0]!.problem).toBeUndefined();
  now += 1;
  expect(readiness.results()[0]!.problem).toBe('a round of the loop due has been under way for 300 seconds');
  expect(await metric('round_seconds{loop="due"}')).toBe(300);
  end.resolve();
  await end.promise;
  await until(async () => (await metric('round_seconds{loop="due"}')) === 0);
});
