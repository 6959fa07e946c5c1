import { beforeEach, expect, test } from '@jest/globals';
import type { Pool } from 'pg';
import type { Query } from '../../domain/execution/engine.ts';
import { Suspensions } from './suspension.ts';

const said: [text: string, values: unknown[]][] = [];
const warnings: string[] = [];
let rows: Record<string, unknown>[];
let suspensions: Suspensions;

const query = async (given: string | { text: string; values: unknown[] }, values: unknown[] = []) => {
  said.push(typeof given === 'string' ? [given, values] : [given.text, given.values]);
  return { rows };
};
const pool = { query, connect: async () => ({ query, release: () => undefined }) } as unknown as Pool;
const verbs = (): string[] => said.map(([text]) => text.split(' ').slice(0, 2).join(' '));

beforeEach(() => {
  said.length = 0;
  warnings.length = 0;
  rows = [];
  suspensions = new Suspensions({
    pool,
    queue: 'ready',
    limitedQueue: 'waiting',
    warn: (message) => void warnings.push(message),
  });
});

const run = { runId: 'run_1', token: 'token', until: 1_000.2, signals: ['approval:a', 'event:b'], isOver: undefined };

test('a run is suspended until one of its signals comes or its time, in one round trip', async () => {
  await suspensions.suspend(run);
  expect(said).toEqual([
    [
      'select dbos.flowpact_suspend($1, $2, $3, $4, $5, $6, $7)',
      ['run_1', 'token', 1_001, ['approval:a', 'event:b'], false, 'ready', 'waiting'],
    ],
  ]);
});

test('a run that is held is suspended under the lock of whoever ends that, unless it is over already', async () => {
  for (const over of [true, false]) {
    said.length = 0;
    await suspensions.suspend({
      ...run,
      isOver: async (ask) => {
        rows = [{ status: 'paused' }];
        expect(await ask('select of the test', [1])).toEqual(rows);
        return over;
      },
    });
    expect(verbs()).toEqual(['begin', 'select 1', 'select of', 'select dbos.flowpact_suspend($1,', 'commit']);
    expect(said[1]![1]).toEqual(['run_1']);
    expect(said[3]![1]).toEqual(['run_1', 'token', 1_001, ['held'], over, 'ready', 'waiting']);
  }
});

test('sweeps go through the suspended runs page by page, and begin again behind the last', async () => {
  const asked: unknown[][] = [];
  const pages = [
    { last: 'm', looked: 2_000, decided: [] },
    { last: 'z', looked: 1_999, decided: [] },
    { last: 'm', looked: 2_000, decided: [] },
    { last: null, looked: 0, decided: [] },
    { last: 'a', looked: 1, decided: [] },
  ];
  const ask: Query = async (_, values) => {
    asked.push(values);
    return [pages[asked.length - 1]!];
  };
  for (let each = 0; each < 5; each++) await suspensions.sweep(ask);
  expect(asked).toEqual([
    ['', 2_000],
    ['m', 2_000],
    ['', 2_000],
    ['m', 2_000],
    ['', 2_000],
  ]);
  expect(warnings).toEqual([]);
});

test('that runs lay although their signals were there is told', async () => {
  await suspensions.sweep(async () => [{ last: 'z', looked: 9, decided: ['run_1'] }]);
  await suspensions.sweep(async () => [{ last: 'z', looked: 9, decided: ['run_2', 'run_3'] }]);
  expect(warnings).toEqual([
    'Suspended runs whose signals were there were resumed: run_1.',
    'Suspended runs whose signals were there were resumed: run_2, run_3.',
  ]);
});

test('suspended runs are listed with what they wait for', async () => {
  rows = [
    { id: 'a', awaits: '["approval:a"]', since: '1000' },
    { id: 'b', awaits: '["held"]', since: '2000' },
    { id: 'c', awaits: '[]', since: '3000' },
  ];
  expect(await suspensions.list('0', 50)).toEqual([
    { runId: 'a', signals: ['approval:a'], held: false, since: new Date(1_000) },
    { runId: 'b', signals: [], held: true, since: new Date(2_000) },
    { runId: 'c', signals: [], held: false, since: new Date(3_000) },
  ]);
  expect(said[0]![1]).toEqual(['0', 50]);
});
