import { beforeEach, expect, test } from '@jest/globals';
import type { MikroORM } from '@mikro-orm/postgresql';
import type { Engine } from './engine.ts';
import type { ExecutionRecorder } from './execution-recorder.ts';
import { LostExecutions } from './lost-executions.ts';
import { Report } from './report.ts';

interface Row {
  readonly id: string;
  readonly parentExecutionId?: string | null;
}

const passing = Object.assign(new Error('the server shuts down'), { code: '57P01' });

/** Executions that have not ended. */
let rows: Row[];
/** Those of them that the engine has given up. */
let givenUp: string[];
/** What `stored` answers for an execution. */
let stored: (id: string) => Promise<boolean>;
const seen: string[] = [];
const faults: string[] = [];
const asked: string[][] = [];
const wheres: { status: unknown; createdAt: { $lt: Date } }[] = [];
let reports: Report[];

beforeEach(() => {
  [rows, givenUp, reports] = [[], [], []];
  stored = async () => true;
  for (const list of [seen, faults, asked, wheres]) list.length = 0;
});

const em = {
  find: async (_: unknown, where: { id: { $gt: string } } & (typeof wheres)[number], { limit }: { limit: number }) => {
    wheres.push(where);
    return rows.filter(({ id }) => id > where.id.$gt).slice(0, limit);
  },
  findOne: async (_: unknown, { id }: Row) => rows.find((row) => row.id === id) ?? null,
};
const engine = {
  ended: async (ids: string[]) => {
    asked.push(ids);
    return ids.filter((id) => givenUp.includes(id));
  },
  signal: async (...[run, name, payload]: [string, string, { at: string }]) => {
    expect(payload.at).toMatch(/^\d{4}-.*Z$/);
    seen.push(`signal ${run} ${name}`);
  },
} as unknown as Engine;
const recorder = {
  record: (id: string, tell: (report: Report) => void) => {
    const report = new Report();
    tell(report);
    reports.push(report);
    seen.push(`record ${id}`);
  },
  stored: (id: string) => stored(id),
  forget: (id: string) => void seen.push(`forget ${id}`),
} as unknown as ExecutionRecorder;

const lost = (): LostExecutions =>
  new LostExecutions({
    orm: { em: { fork: () => em } } as unknown as MikroORM,
    engine,
    recorder,
    fault: (message, error) => void faults.push(`${message} ${(error as Error | undefined)?.message ?? ''}`.trim()),
  });

test('what the engine has given up ends as failed, and nothing else does', async () => {
  rows = [{ id: 'exec_1' }, { id: 'exec_2' }];
  givenUp = ['exec_2'];
  expect(await lost().end()).toEqual(['exec_2']);
  expect(seen).toEqual(['record exec_2', 'forget exec_2']);
  expect(reports[0]!.changes).toMatchObject({ status: 'failed', error: { code: 'internal_error', node_id: null } });
  expect(reports[0]!.events).toMatchObject([{ key: 'ended', type: 'execution:failed' }]);
  expect(faults).toEqual(['Execution exec_2 was given up by the engine.']);
});

test('only executions are looked at that have not ended, are not paused, and are old enough', async () => {
  const before = Date.now();
  await lost().end();
  await lost().end(5_000);
  const [usual, given] = wheres.map(({ createdAt }) => createdAt.$lt.getTime() - before);
  expect(wheres[0]!.status).toEqual({ $in: ['pending', 'running', 'waiting'] });
  expect(usual).toBeGreaterThanOrEqual(-60_000);
  expect(usual).toBeLessThan(-50_000);
  expect(given! - usual!).toBeGreaterThanOrEqual(55_000);
});

test('many are gone through a thousand at a time, each once', async () => {
  rows = Array.from({ length: 2_500 }, (_, index) => ({ id: `exec_${String(index).padStart(4, '0')}` }));
  givenUp = ['exec_0000', 'exec_1000', 'exec_2499'];
  expect(await lost().end()).toEqual(givenUp);
  expect(asked.map((ids) => ids.length)).toEqual([1_000, 1_000, 500]);
  expect(new Set(asked.flat()).size).toBe(2_500);
});

test('the caller gets a signal of its end, once that is stored', async () => {
  rows = [
    { id: 'exec_1', parentExecutionId: 'exec_0' },
    { id: 'exec_2', parentExecutionId: null },
  ];
  givenUp = ['exec_1', 'exec_2'];
  stored = async (id) => (seen.push(`stored ${id}`), true);
  await lost().end();
  expect(seen).toEqual([
    'record exec_1',
    'stored exec_1',
    'forget exec_1',
    'signal exec_0 child:exec_1',
    'record exec_2',
    'stored exec_2',
    'forget exec_2',
  ]);
});

test('what has ended meanwhile is none of its business', async () => {
  rows = [{ id: 'exec_1', parentExecutionId: 'exec_0' }];
  givenUp = ['exec_1'];
  stored = async () => false;
  expect(await lost().end()).toEqual([]);
  expect(seen).toEqual(['record exec_1', 'forget exec_1']);
  expect(faults).toEqual([]);
});

test('one that cannot be ended keeps no other from its end; a database that is away ends the look', async () => {
  rows = [{ id: 'exec_1' }, { id: 'exec_2' }];
  givenUp = ['exec_1', 'exec_2'];
  stored = async (id) => {
    if (id === 'exec_1') throw new TypeError('x is not a function');
    return true;
  };
  expect(await lost().end()).toEqual(['exec_2']);
  expect(faults[0]).toBe('Execution exec_1 was given up by the engine, and could not be ended. x is not a function');
  stored = () => Promise.reject(passing);
  await expect(lost().end()).rejects.toBe(passing);
});
