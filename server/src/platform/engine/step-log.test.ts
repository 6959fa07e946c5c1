import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import type { Pool } from 'pg';
import type { RunContext } from '../../domain/execution/engine.ts';

/** The token of the run that the test stands for; undefined outside of runs. */
let token: string | undefined;
jest.unstable_mockModule('@dbos-inc/dbos-sdk/internal/context', () => ({ currentOwnerXid: () => token }));
const { StepLog } = await import('./step-log.ts');
const { DBOSWorkflowConflictError, DBOSStepNondeterminismError } = await import('@dbos-inc/dbos-sdk/internal/error');
const { RunAbandonedError } = await import('../../domain/execution/engine.ts');

interface Recorded {
  readonly number: number;
  readonly output: string | null;
  readonly bytes: string;
}

/** What the database remembers of the run, and how it answers what is written. */
let recorded: Recorded[];
let written: (outcomes: Record<string, unknown>[]) => Record<string, unknown>[];
let ended: (ids: string[]) => string[];
let readFails: unknown;
let isHeld: boolean;
let owner: string;
const reads: unknown[][] = [];
const statements: unknown[][][] = [];
/** What the library itself was asked for. */
const library: string[] = [];
const counted: number[] = [];
let log: InstanceType<typeof StepLog>;

const names = ['id', 'token', 'number', 'name', 'output', 'error', 'serialization', 'began', 'ended'];

const pool = {
  query: async (query: string | { name: string; values: unknown[][] }, values?: unknown[]) => {
    if (typeof query === 'string') {
      reads.push(values!);
      if (readFails !== undefined) throw readFails;
      const [, bytes] = values as [string, number];
      return { rows: recorded.map((row) => ({ ...row, output: Number(row.bytes) <= bytes ? row.output : null })) };
    }
    statements.push(query.values);
    if (query.name === 'flowpact_end_runs') {
      const ids = query.values[0] as string[];
      return { rows: ended(ids).map((id) => ({ id, token: query.values[1]![ids.indexOf(id)] })) };
    }
    const columns = query.values;
    return {
      rows: written(
        columns[0]!.map((_, row) => Object.fromEntries(names.map((name, column) => [name, columns[column]![row]]))),
      ),
    };
  },
} as unknown as Pool;

function newSystemDatabase() {
  const say =
    <T>(what: string, answer: T) =>
    async (runId: string): Promise<T> => {
      library.push(`${what} ${runId}`);
      return answer;
    };
  return {
    checkIfCanceled: say('check', undefined),
    getOperationResultAndThrowIfCancelled: say<{ output: string } | undefined>('look', { output: '"found"' }),
    recordOperationResult: say('record', undefined),
    recordWorkflowOutput: say('end', undefined),
    getWorkflowOwner: async () => owner,
  };
}

type Memory = Pick<RunContext, 'memory'>['memory'];
const memory = {
  add: (bytes: number) => void counted.push(bytes),
  reserve: (_: AbortSignal, bytes: number) => void counted.push(bytes),
} as unknown as Memory;
const run = (resumed: boolean, given = memory) => ({
  runId: 'run_1',
  resumed,
  memory: given,
  signal: new AbortController().signal,
});

let database: ReturnType<typeof newSystemDatabase>;
const take = (number: number): Promise<unknown> =>
  (database.getOperationResultAndThrowIfCancelled as unknown as (id: string, n: number) => Promise<unknown>)(
    'run_1',
    number,
  );
const record = (number: number, options: object = { output: '1' }, at = 20): Promise<void> =>
  (
    database.recordOperationResult as unknown as (
      ...given: [string, number, string, boolean, number, number, object]
    ) => Promise<void>
  )('run_1', number, 'a step', true, 10, at, options);
const end = (given?: string): Promise<unknown> =>
  (database.recordWorkflowOutput as unknown as (...given: unknown[]) => Promise<unknown>)('run_1', {}, given);

beforeEach(() => {
  token = 'token';
  owner = 'token';
  recorded = [];
  written = (outcomes) => outcomes;
  ended = (ids) => ids;
  readFails = undefined;
  isHeld = true;
  for (const list of [reads, statements, library, counted]) list.length = 0;
  log = new StepLog(
    pool,
    () => isHeld,
    () => undefined,
  );
  database = newSystemDatabase();
  log.install(database as never);
});
afterEach(() => log.stop());

test('a run that begins has nothing behind it, and nobody is asked', async () => {
  await log.open(run(false));
  expect(await take(0)).toBeUndefined();
  expect([reads, library]).toEqual([[], []]);
});

test('a run that is resumed reads its steps at once; each is asked for once, and the run holds it from then on', async () => {
  recorded = [
    { number: 0, output: '"first"', bytes: '11' },
    { number: 1, output: null, bytes: '11' },
  ];
  await log.open(run(true));
  expect([reads, counted]).toEqual([[['run_1', 262_144]], [11]]);
  expect(await take(0)).toMatchObject({ output: '"first"' });
  expect(counted).toEqual([11, -7]);
  expect(await take(1)).toMatchObject({ output: null });
  expect(await take(0)).toBeUndefined();
  expect(await take(2)).toBeUndefined();
  expect(library).toEqual([]);
});

test('what is large is read when there is room for it: from one byte more than is read at once', async () => {
  for (const [bytes, times] of [
    [262_144, 1],
    [262_145, 2],
  ] as const) {
    reads.length = 0;
    recorded = [{ number: 0, output: '"large"', bytes: String(bytes) }];
    const room = Promise.withResolvers<void>();
    let isOpen = false;
    const opened = log.open(run(true, { ...memory, reserve: () => room.promise })).then(() => (isOpen = true));
    await new Promise((resolve) => setImmediate(resolve));
    expect([isOpen, reads.length]).toEqual([false, 1]);
    room.resolve();
    await opened;
    expect(reads.at(-1)).toEqual(['run_1', times === 2 ? bytes : 262_144]);
    expect(await take(0)).toMatchObject({ output: '"large"' });
    expect(reads).toHaveLength(times);
    log.close('run_1');
  }
});

test('a run whose steps cannot be read is left, and goes on later', async () => {
  readFails = new Error('no database');
  await expect(log.open(run(true))).rejects.toBeInstanceOf(RunAbandonedError);
});

test('a process that may have stood still asks whether the run is its own before it begins a step', async () => {
  await log.open(run(false));
  isHeld = false;
  expect(await take(0)).toEqual({ output: '"found"' });
  owner = 'another';
  await expect(take(0)).rejects.toBeInstanceOf(DBOSWorkflowConflictError);
  expect(library).toEqual(['look run_1', 'look run_1']);
});

test('what the library does for runs that are not open here is left to it', async () => {
  expect(await take(0)).toEqual({ output: '"found"' });
  await database.checkIfCanceled('run_1');
  await record(0);
  expect(library).toEqual(['look run_1', 'check run_1', 'record run_1']);
  await log.open(run(false));
  library.length = 0;
  await database.checkIfCanceled('run_1');
  expect(library).toEqual([]);
  await record(0, { childWorkflowID: 'child' });
  expect(library).toEqual(['record run_1']);
  log.close('run_1');
  await database.checkIfCanceled('run_1');
  token = undefined;
  await record(0);
  expect(library).toEqual(['record run_1', 'check run_1', 'record run_1']);
});

test('runs that were claimed together share a token, and are told apart', async () => {
  await log.open(run(false));
  await database.checkIfCanceled('run_2');
  token = 'another';
  await database.checkIfCanceled('run_1');
  expect(library).toEqual(['check run_2', 'check run_1']);
});

test('outcomes that come together are written together, the longest output beside the others', async () => {
  await log.open(run(false));
  await Promise.all([
    record(0, { output: '1' }),
    record(1, { error: 'E', serialization: 'json' }),
    record(2, { output: '"longer"' }),
  ]);
  expect(statements).toEqual([
    [
      ['run_1', 'run_1', 'run_1'],
      ['token', 'token', 'token'],
      [0, 1, 2],
      ['a step', 'a step', 'a step'],
      ['1', null, null],
      [null, 'E', null],
      [null, 'json', null],
      [10, 10, 10],
      [20, 20, 20],
      3,
      '"longer"',
    ],
  ]);
});

test('a step of a run that is not this process’s any more is a conflict', async () => {
  await log.open(run(false));
  written = () => [];
  await expect(record(0)).rejects.toBeInstanceOf(DBOSWorkflowConflictError);
  written = (outcomes) => outcomes.map((outcome) => ({ ...outcome, token: 'another' }));
  await expect(record(1)).rejects.toBeInstanceOf(DBOSWorkflowConflictError);
});

test('a step that was recorded otherwise before is named', async () => {
  await log.open(run(false));
  written = (outcomes) => outcomes.map((outcome) => ({ ...outcome, ended: '19' }));
  await expect(record(0)).rejects.toBeInstanceOf(DBOSStepNondeterminismError);
  written = (outcomes) => outcomes.map((outcome) => ({ ...outcome, ended: '20' }));
  await record(1);
});

test('the end of a run is written once it is this process’s own', async () => {
  expect(await end()).toBe(true);
  expect(await end('given')).toBe(true);
  expect(statements).toEqual([
    [['run_1'], ['token']],
    [['run_1'], ['given']],
  ]);
  ended = () => [];
  expect(await end()).toBe(false);
});

test('for how long nothing was written is told', async () => {
  await log.open(run(false));
  expect(log.standstillMs).toBe(0);
  const writing = Promise.withResolvers<void>();
  const query = jest.spyOn(pool, 'query').mockImplementation((async () => {
    await writing.promise;
    return { rows: [{ id: 'run_1', token: 'token', number: 0, ended: '20' }] };
  }) as never);
  const recording = record(0);
  await new Promise((resolve) => setTimeout(resolve, 30));
  expect(log.standstillMs).toBeGreaterThan(0);
  writing.resolve();
  await recording;
  query.mockRestore();
  expect(log.standstillMs).toBe(0);
});
