import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import type { MikroORM } from '@mikro-orm/postgresql';
import { inOrganisation } from '../tenancy/current-organisation.ts';
import { ExecutionRecorder, type RecorderLimits } from './execution-recorder.ts';
import type { Report } from './report.ts';

interface Row {
  id: string | null;
  type: string | null;
  status: string;
  seconds: number | null;
}

/** What the statement answers for the executions in it. */
let answer: (ids: string[]) => Promise<Row[]>;
/** The executions of each statement, and the lines and errors in it. */
let statements: { ids: string[]; lines: string[]; errors: unknown[] }[];
/** Statements that end the steps of an execution. */
let endedSteps: unknown[][];
const seen: string[] = [];
const warnings: string[] = [];

/** A database of each recorder's own: what one still writes when its test is over is not of the next. */
function newOrm(): MikroORM {
  const [own, ended] = [statements, endedSteps];
  const query = async (given: { values: string[] } | string, values?: unknown[]): Promise<{ rows: Row[] }> => {
    if (typeof given === 'string') {
      ended.push(values!);
      return { rows: [] };
    }
    const [executions, , , logs] = given.values.map((text) => JSON.parse(text) as Record<string, string>[]);
    const ids = executions!.map(({ id }) => id!);
    own.push({
      ids,
      lines: logs!.map(({ message }) => message!),
      errors: executions!.flatMap(({ error }) => error ?? []),
    });
    return { rows: await answer(ids) };
  };
  return { em: { getConnection: () => ({ getNativeClient: async () => ({ query }) }) } } as unknown as MikroORM;
}

const open = (id: string, status = 'running', seconds: number | null = null): Row => ({
  id,
  type: null,
  status,
  seconds,
});
const passing = Object.assign(new Error('the server shuts down'), { code: '57P01' });
const refused = Object.assign(new Error('invalid'), { code: '22023' });

beforeEach(() => {
  answer = async (ids) => ids.map((id) => open(id));
  [statements, endedSteps] = [[], []];
  for (const list of [seen, warnings]) list.length = 0;
});
afterEach(() => {
  jest.useRealTimers();
});

function newRecorder(limits: Partial<RecorderLimits> = {}): ExecutionRecorder {
  return new ExecutionRecorder({
    orm: newOrm(),
    live: { publish: (id: string, ended?: boolean) => void seen.push(`published ${id} ${ended}`) } as never,
    metrics: {
      executionStarted: () => undefined,
      executionEnded: (status, seconds) => void seen.push(`ended ${status} ${seconds}`),
      stepEnded: (type, status, seconds) => void seen.push(`step ${type} ${status} ${seconds}`),
    },
    batches: { batchFailed: (_, kind) => void seen.push(`failed ${kind}`) },
    heard: () => void seen.push('heard'),
    warn: (message) => void warnings.push(message),
    limits,
  });
}

let keys = 0;
const line = (message: string) => (report: Report) =>
  report.log({ key: `${(keys += 1)}`, level: 'info', message, at: new Date(0) });
const event = (type: 'node:started' | 'execution:completed') => (report: Report) =>
  report.event({ key: type, type, data: {}, at: new Date(0) });
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

/** Lets so many milliseconds pass. */
async function pass(milliseconds: number): Promise<void> {
  for (let passed = 0; passed < milliseconds; passed += 50) {
    await settle();
    jest.advanceTimersByTime(50);
  }
  await settle();
}

test('others are woken when something was written that they listen to, and only then', async () => {
  const recorder = newRecorder();
  recorder.record('a', line('1'));
  await recorder.stored('a');
  expect(seen).toEqual([]);
  answer = async (ids) => [...ids.map((id) => open(id)), { id: null, type: null, status: 'heard', seconds: null }];
  recorder.record('a', line('2'));
  await recorder.stored('a');
  expect(seen).toEqual(['heard']);
});

test('what has ended by it is counted, once it is written', async () => {
  const recorder = newRecorder();
  answer = async (ids) => [
    ...ids.map((id) => open(id, 'completed', 1.5)),
    { id: null, type: 'http', status: 'completed', seconds: 0.5 },
    { id: null, type: 'set', status: 'failed', seconds: null },
  ];
  recorder.record('a', line('1'));
  await recorder.stored('a');
  expect(seen).toEqual(['ended completed 1.5', 'step http completed 0.5', 'step set failed 0']);
});

test('followers hear of events, and of the end; one that is paused and at work all the same hears that it is paused', async () => {
  const recorder = newRecorder();
  recorder.record('a', line('1'));
  await recorder.stored('a');
  expect(seen).toEqual([]);
  recorder.record('a', event('node:started'));
  await recorder.stored('a');
  recorder.record('a', event('execution:completed'));
  await recorder.stored('a');
  answer = async (ids) => ids.map((id) => open(id, 'paused'));
  recorder.record('a', line('2'));
  await recorder.stored('a');
  expect(seen).toEqual(['published a false', 'published a true', 'published a undefined']);
});

test('what is told in one turn goes into one statement, and what is told meanwhile into the next', async () => {
  const recorder = newRecorder();
  const [first] = [Promise.withResolvers<void>()];
  answer = async (ids) => {
    if (statements.length === 1) await first.promise;
    return ids.map((id) => open(id));
  };
  recorder.record('a', line('1'));
  recorder.record('b', line('2'));
  recorder.record('a', line('3'));
  await settle();
  recorder.record('a', line('4'));
  recorder.record('c', line('5'));
  await settle();
  expect(statements).toMatchObject([{ ids: ['a', 'b'], lines: ['1', '3', '2'] }]);
  first.resolve();
  await Promise.all([recorder.stored('a'), recorder.stored('c')]);
  expect(statements[1]!.lines.toSorted()).toEqual(['4', '5']);
  expect(recorder.backlog).toEqual({ items: 0, bytes: 0, oldestMs: 0 });
});

test('two hundred executions go into one statement, and no more', async () => {
  const recorder = newRecorder();
  const ids = Array.from({ length: 201 }, (_, index) => `exec_${index}`);
  for (const id of ids) recorder.record(id, line(id));
  await Promise.all(ids.map((id) => recorder.stored(id)));
  expect(statements.map(({ ids: given }) => given.length).slice(0, 2)).toEqual([200, 1]);
});

test('an execution that has ended takes no more, and its run hears of it until it is forgotten', async () => {
  const recorder = newRecorder();
  answer = async () => [];
  expect(await recorder.stored('a')).toBe(false);
  expect(recorder.isClosed('a')).toBe(true);
  recorder.record('a', line('late'));
  expect(await recorder.stored('a')).toBe(false);
  expect(statements).toHaveLength(1);
  expect(recorder.backlog.bytes).toBe(0);
  recorder.forget('a');
  expect(recorder.isClosed('a')).toBe(false);
  answer = async (ids) => ids.map((id) => open(id));
  expect(await recorder.stored('a')).toBe(true);
});

test('while the database is away all is kept, said once, and tried again at growing distances', async () => {
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] });
  const recorder = newRecorder();
  answer = () => Promise.reject(passing);
  recorder.record('a', line('1'));
  let isStored = false;
  const stored = recorder.stored('a').then((given) => (isStored = given));
  await pass(10_000);
  // 10 s: after 50 ms, 100 ms, ... 2 s, and then every 2 s.
  expect(statements.length).toBeGreaterThanOrEqual(8);
  expect(statements.length).toBeLessThanOrEqual(11);
  expect(isStored).toBe(false);
  expect(warnings).toEqual(['Executions could not be written; it is tried again.']);
  answer = async (ids) => ids.map((id) => open(id));
  await pass(2_500);
  await stored;
  expect(isStored).toBe(true);
  expect(statements.every(({ lines }) => lines.join() === '1')).toBe(true);
  expect(new Set(seen)).toEqual(new Set(['failed passing']));
  answer = () => Promise.reject(passing);
  recorder.record('a', line('2'));
  await settle();
  expect(warnings).toHaveLength(2);
});

test('what the database refuses is told apart: its neighbours are stored, what came before it is, and it ends its execution', async () => {
  const recorder = newRecorder();
  answer = async (ids) => {
    if (statements.at(-1)!.lines.includes('poison')) throw refused;
    return ids.map((id) => open(id));
  };
  recorder.record('good', line('fine'));
  for (const text of ['before', 'poison', 'after']) recorder.record('bad', line(text));
  expect(await Promise.all([recorder.stored('good'), recorder.stored('bad')])).toEqual([true, false]);
  await settle();
  const stored = statements.filter(({ lines }) => !lines.includes('poison')).flatMap(({ lines }) => lines);
  expect(stored.toSorted()).toEqual(['before', 'fine']);
  expect(endedSteps).toEqual([['bad']]);
  expect(warnings).toEqual(['Execution bad could not be written.']);
  expect(seen).toContain('failed refused');
  expect(recorder.isClosed('bad')).toBe(true);
});

test('where not even that it failed can be stored, nobody tries for ever', async () => {
  const recorder = newRecorder();
  answer = () => Promise.reject(refused);
  recorder.record('bad', line('poison'));
  expect(await recorder.stored('bad')).toBe(false);
  await settle();
  await settle();
  expect(statements).toHaveLength(2);
  expect(endedSteps).toEqual([]);
  expect(recorder.backlog).toEqual({ items: 0, bytes: 0, oldestMs: 0 });
});

test('an execution that had ended by itself keeps its steps', async () => {
  const recorder = newRecorder();
  answer = async () => {
    if (statements.at(-1)!.lines.includes('poison')) throw refused;
    return [];
  };
  recorder.record('bad', line('poison'));
  expect(await recorder.stored('bad')).toBe(false);
  await settle();
  await settle();
  expect(endedSteps).toEqual([]);
});

test('a process that stops writes what is left, and gives up what it cannot write', async () => {
  const recorder = newRecorder();
  recorder.record('a', line('1'));
  await recorder.close();
  expect(statements.map(({ lines }) => lines)).toEqual([['1']]);
  const other = newRecorder();
  answer = () => Promise.reject(passing);
  other.record('a', line('2'));
  const stored = other.stored('a');
  await other.close();
  expect(await stored).toBe(false);
  expect(warnings).toEqual(['Execution a could not be written before the end of the process.']);
  expect([statements.length, other.isClosed('a'), other.backlog.bytes]).toEqual([2, false, 0]);
});

test('a process that stops does not wait for the next try', async () => {
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] });
  const recorder = newRecorder();
  let failures = 0;
  answer = async (ids) => {
    if ((failures += 1) <= 4) throw passing;
    return ids.map((id) => open(id));
  };
  recorder.record('a', line('1'));
  const stored = recorder.stored('a');
  // After 0, 50, 150 and 350 ms, give or take a look each; the next would be 400 ms later.
  await pass(600);
  expect(failures).toBe(4);
  const closed = recorder.close();
  jest.advanceTimersByTime(50);
  await closed;
  expect(await stored).toBe(true);
});

test('bounds hold at their bytes: up to them a run goes on, beyond them it waits', async () => {
  const gate = Promise.withResolvers<void>();
  answer = async (ids) => {
    await gate.promise;
    return ids.map((id) => open(id));
  };
  let bytes = 0;
  const text = (report: Report): void => {
    line('x'.repeat(100))(report);
    ({ bytes } = report);
  };
  newRecorder().record('probe', text);
  const roomy = newRecorder({ waitingBytesOfOne: bytes, waitingBytes: 2 * bytes });
  roomy.record('a', text);
  expect(roomy.hasRoom('a')).toBe(true);
  roomy.record('b', text);
  expect([roomy.hasRoom('a'), roomy.hasRoom('b'), roomy.hasRoom('c')]).toEqual([true, true, true]);
  roomy.record('c', text);
  expect([roomy.hasRoom('a'), roomy.hasRoom('d')]).toEqual([false, true]);
  const narrow = newRecorder({ waitingBytesOfOne: bytes - 1 });
  narrow.record('a', text);
  expect(narrow.hasRoom('a')).toBe(false);
  let isFree = false;
  const room = narrow.room('a', new AbortController().signal).then(() => (isFree = true));
  await settle();
  expect(isFree).toBe(false);
  gate.resolve();
  await room;
  expect(narrow.hasRoom('a')).toBe(true);
});

test('the recorder says that it stands still once that has lasted, and no sooner', async () => {
  jest.useFakeTimers({ now: 1_000_000, doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] });
  const recorder = newRecorder();
  answer = () => new Promise(() => undefined);
  jest.setSystemTime(2_000_000);
  recorder.record('a', line('1'));
  recorder.record('b', line('1'));
  jest.setSystemTime(2_029_999);
  expect(recorder.problem()).toBeUndefined();
  jest.setSystemTime(2_030_000);
  expect(recorder.problem()).toBe('what executions do has not been stored for 30 seconds');
  expect(recorder.backlog).toMatchObject({ items: 2, oldestMs: 30_000 });
});

test('an organisation is in one statement at a time, and two organisations do not wait for each other', async () => {
  const recorder = newRecorder();
  const gates = new Map<string, PromiseWithResolvers<void>>();
  answer = async (ids) => {
    const gate = Promise.withResolvers<void>();
    gates.set(ids.join(), gate);
    await gate.promise;
    return ids.map((id) => open(id));
  };
  const tell = (organisation: string, id: string): void =>
    inOrganisation(organisation, () => recorder.record(id, line(id)));
  tell('org_1', 'a');
  await settle();
  expect(statements).toHaveLength(1);
  tell('org_1', 'b');
  tell('org_2', 'c');
  await settle();
  expect(statements.map(({ ids }) => ids.join())).toEqual(['a', 'c']);
  gates.get('a')!.resolve();
  await settle();
  await settle();
  expect(statements.map(({ ids }) => ids.join())).toEqual(['a', 'c', 'b']);
  for (const gate of gates.values()) gate.resolve();
});

test('an execution is named where what its node did could not be stored', async () => {
  const recorder = newRecorder();
  answer = async (ids) => {
    if (statements.at(-1)!.lines.includes('poison')) throw refused;
    return ids.map((id) => open(id));
  };
  recorder.record('a', (report) =>
    report.log({ key: 'k', nodeId: 'say', level: 'info', message: 'poison', at: new Date(0) }),
  );
  recorder.record('b', line('poison'));
  await Promise.all([recorder.stored('a'), recorder.stored('b')]);
  await settle();
  await settle();
  const told = statements.flatMap(({ errors }) => errors) as { node_id: string | null; message: string }[];
  expect(told.map(({ node_id: id, message }) => [id, message.split('.')[0]])).toEqual([
    ['say', 'What node say did could not be stored, so the execution was ended'],
    [null, 'What it did could not be stored, so the execution was ended'],
  ]);
});
