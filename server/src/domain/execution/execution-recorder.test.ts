import { afterAll, afterEach, beforeAll, expect, jest, test } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '../../../test/database.ts';
import { until } from '../../../test/until.ts';
import type { BatchMetrics } from '../batch-metrics.ts';
import type { Json } from '../domain-error.ts';
import { newId } from '../id.ts';
import { inOrganisation } from '../tenancy/current-organisation.ts';
import { Execution } from './execution.entity.ts';
import { ExecutionRecorder, type RecorderLimits } from './execution-recorder.ts';
import type { LiveChannel } from './live-channel.ts';
import type { Report } from './report.ts';

/** Pauses double from failure to failure. */
const patient = { within: 50_000 };

let database: TestDatabase;
const recorders: ExecutionRecorder[] = [];
const organisationId = newId('org');
const live = { publish: () => undefined } as unknown as LiveChannel;
const failures: string[] = [];
const batches: BatchMetrics = {
  batchFailed: (_, kind) => void failures.push(kind),
};

beforeAll(async () => {
  database = await createTestDatabase();
});
afterEach(async () => {
  await sql('drop trigger if exists refuse on execution_log');
  await Promise.all(recorders.splice(0).map((recorder) => recorder.close()));
  failures.length = 0;
});
afterAll(() => database.drop());

function sql<Row extends object>(text: string, values: unknown[] = []): Promise<Row[]> {
  return database.orm.em.getConnection().execute<Row[]>(text, values);
}

function record(limits: Partial<RecorderLimits> = {}): { recorder: ExecutionRecorder; warnings: string[] } {
  const warnings: string[] = [];
  const warn = (message: string): void => void warnings.push(message);
  const recorder = new ExecutionRecorder({ orm: database.orm, live, batches, warn, limits });
  recorders.push(recorder);
  return { recorder, warnings };
}

async function begin(): Promise<string> {
  const execution = Execution.create({
    organisationId,
    workflowId: newId('wf'),
    workflowVersion: 1,
    definitionHash: 'hash',
    input: {},
    metadata: {},
    trigger: {},
    startedBy: { type: 'api_key', id: newId('key') },
  });
  await database.orm.em.fork().insert(Execution, execution);
  return execution.id;
}

/** PostgreSQL refuses log lines with that text. */
async function refuse(text: string, code: string): Promise<void> {
  await sql(`create or replace function refuse() returns trigger language plpgsql as $$ begin
    if new.message = '${text}' then raise exception 'refused' using errcode = '${code}'; end if;
    return new;
  end $$`);
  await sql('create trigger refuse before insert on execution_log for each row execute function refuse()');
}

const started = (report: Report): void => report.change({ status: 'running', startedAt: new Date() });
const running = (nodeId: string) => (report: Report) =>
  report.step({ nodeId, nodeType: 'set', status: 'running', attempt: 1, startedAt: new Date() });
let keys = 0;
const line = (message: string) => (report: Report) =>
  report.log({ key: `${(keys += 1)}`, nodeId: 'say', attempt: 1, level: 'info', message, at: new Date() });

async function linesOf(executionId: string): Promise<string[]> {
  const rows = await sql<{ message: string }>(
    'select message from execution_log where execution_id = ? order by key::int',
    [executionId],
  );
  return rows.map(({ message }) => message);
}

test('what the database refuses ends its own execution in words, and nobody else waits for it', async () => {
  await refuse('poison', '22023');
  const { recorder, warnings } = record();
  const [bad, ...good] = await Promise.all(Array.from({ length: 5 }, begin));
  for (const id of [bad!, ...good]) recorder.record(id, started);
  recorder.record(bad!, running('say'));
  recorder.record(bad!, line('before'));
  recorder.record(bad!, line('poison'));
  recorder.record(bad!, line('after'));
  for (const id of good) recorder.record(id, line('fine'));
  expect(await Promise.all(good.map((id) => recorder.stored(id)))).toEqual([true, true, true, true]);
  for (const id of good) expect(await linesOf(id)).toEqual(['fine']);

  const ended = await until(async () => {
    const execution = await database.orm.em.fork().findOneOrFail(Execution, { id: bad! });
    return execution.ended && execution;
  });
  expect(ended.status).toBe('failed');
  expect(ended.error).toMatchObject({ code: 'not_storable', node_id: 'say' });
  expect(ended.error!.message).toContain('What node say did could not be stored');
  expect(await linesOf(bad!)).toEqual(['before']);
  const events = await sql('select type from execution_event where execution_id = ?', [bad]);
  expect(events).toEqual([{ type: 'execution:failed' }]);
  await until(async () => {
    const [step] = await sql<{ status: string }>('select status from step where execution_id = ?', [bad]);
    return step?.status === 'cancelled';
  });
  // Its run hears of it, and what it still tells is of no interest.
  expect(recorder.isClosed(bad!)).toBe(true);
  recorder.record(bad!, line('late'));
  expect(await recorder.stored(bad!)).toBe(false);
  expect(warnings).toEqual([`Execution ${bad} could not be written.`]);
  expect(failures).toEqual(['refused']);
  expect(recorder.backlog).toEqual({ items: 0, bytes: 0, oldestMs: 0 });
});

test('what never passes, although it is of the kind that does, holds up nobody for long and ends at last', async () => {
  await refuse('poison', '57014');
  const { recorder } = record();
  const [bad, good] = [await begin(), await begin()];
  recorder.record(bad, line('poison'));
  recorder.record(good, line('first'));
  expect(await recorder.stored(good)).toBe(true);
  let lines = 0;
  await until(async () => {
    recorder.record(good, line(`${(lines += 1)}`));
    await recorder.stored(good);
    return recorder.isClosed(bad);
  }, patient);
  expect(await recorder.stored(bad)).toBe(false);
  await until(async () => (await database.orm.em.fork().findOneOrFail(Execution, { id: bad })).status === 'failed');
});

test('a database that is away is tried again until it is back, and nothing is lost', async () => {
  await refuse('wait', '57P03');
  const { recorder, warnings } = record();
  const id = await begin();
  recorder.record(id, line('wait'));
  await until(() => failures.length > 1);
  await sql('drop trigger refuse on execution_log');
  expect(await recorder.stored(id)).toBe(true);
  expect(await linesOf(id)).toEqual(['wait']);
  expect(warnings).toEqual(['Executions could not be written; it is tried again.']);
});

test('what cannot even be written as text is the failure of its execution alone', async () => {
  const { recorder } = record();
  const [bad, good] = [await begin(), await begin()];
  recorder.record(bad, (report) => {
    const output = { toJSON: () => 'x'.repeat(2 ** 29) } as unknown as Json;
    report.step({ nodeId: 'huge', nodeType: 'set', status: 'completed', attempt: 1, output, startedAt: new Date() });
  });
  recorder.record(good, line('fine'));
  expect(await recorder.stored(good)).toBe(true);
  const ended = await until(async () => {
    const execution = await database.orm.em.fork().findOneOrFail(Execution, { id: bad });
    return execution.ended && execution;
  });
  expect(ended.error).toMatchObject({ code: 'not_storable', node_id: 'huge' });
});

test('statements are bounded in bytes, also those of one execution, and executions take turns in them', async () => {
  const { recorder } = record({ batchBytes: 100_000, sliceBytes: 20_000 });
  const pool = await database.orm.em.getConnection().getNativeClient();
  const query = jest.spyOn(pool, 'query');
  const [many, few] = [await begin(), await begin()];
  query.mockClear();
  const text = 'x'.repeat(5_000);
  for (let index = 0; index < 100; index++) recorder.record(many, line(text));
  for (let index = 0; index < 2; index++) recorder.record(many, line('y'.repeat(60_000)));
  recorder.record(few, line('quick'));
  await recorder.stored(few);
  const firstStatements = query.mock.calls.length;
  await recorder.stored(many);
  const sizes = query.mock.calls.flatMap(([given]) => {
    const { name, values } = given as unknown as { name?: string; values: string[] };
    return name === 'store_recordings' ? [values.join('').length] : [];
  });
  query.mockRestore();
  expect(await linesOf(many)).toHaveLength(102);
  expect(firstStatements).toBeLessThan(5);
  expect(sizes.length).toBeGreaterThan(20);
  expect(Math.max(...sizes)).toBeLessThan(200_000);
});

test('what is large has a statement of its own, for which small reports of others do not wait', async () => {
  const { recorder } = record({ batchBytes: 100_000, sliceBytes: 20_000 });
  await sql(`create or replace function refuse() returns trigger language plpgsql as $$ begin
    if length(new.message) > 50000 then perform pg_sleep(2); end if;
    return new;
  end $$`);
  await sql('create trigger refuse before insert on execution_log for each row execute function refuse()');
  const [large, small] = [await begin(), await begin()];
  recorder.record(large, line('x'.repeat(60_000)));
  const ends: string[] = [];
  const largeStored = recorder.stored(large).then(() => ends.push('large'));
  for (let n = 0; n < 3; n += 1) {
    recorder.record(small, line('quick'));
    await recorder.stored(small);
    ends.push('small');
  }
  recorder.record(large, line('behind the large one'));
  await largeStored;
  await recorder.stored(large);
  expect(ends).toEqual(['small', 'small', 'small', 'large']);
  expect(await linesOf(large)).toEqual(['x'.repeat(60_000), 'behind the large one']);
});

test('an organisation does not wait for a statement without rows of its own, and its own rows keep their order', async () => {
  const { recorder } = record();
  await sql(`create or replace function refuse() returns trigger language plpgsql as $$ begin
    if new.message = 'slow' then perform pg_sleep(2); end if;
    return new;
  end $$`);
  await sql('create trigger refuse before insert on execution_log for each row execute function refuse()');
  const [slow, quick] = [await begin(), await begin()];
  const ends: string[] = [];
  const tell = (id: string, organisation: string, text: string): Promise<number> =>
    inOrganisation(organisation, async () => {
      recorder.record(id, line(text));
      await recorder.stored(id);
      return ends.push(text);
    });
  const first = tell(slow, 'noisy', 'slow');
  await until(async () => (await sql("select from pg_stat_activity where wait_event = 'PgSleep'")).length > 0);
  const second = tell(slow, 'noisy', 'behind');
  await tell(quick, 'quiet', 'one');
  await tell(quick, 'quiet', 'two');
  await Promise.all([first, second]);
  expect(ends.slice(0, 2)).toEqual(['one', 'two']);
  expect(await linesOf(slow)).toEqual(['slow', 'behind']);
});

test('a run that tells faster than can be stored waits; one that has told nothing does not', async () => {
  const { recorder } = record({ waitingBytesOfOne: 10_000, waitingBytes: 20_000 });
  const [loud, quiet, third] = [await begin(), await begin(), await begin()];
  const { signal } = new AbortController();
  expect(recorder.hasRoom(loud)).toBe(true);
  recorder.record(loud, line('x'.repeat(11_000)));
  expect(recorder.hasRoom(loud)).toBe(false);
  expect(recorder.hasRoom(quiet)).toBe(true);
  recorder.record(quiet, line('x'.repeat(11_000)));
  recorder.record(third, line('x'));
  expect(recorder.hasRoom(third)).toBe(false);
  await Promise.all([loud, quiet, third].map((id) => recorder.room(id, signal)));
  expect(recorder.hasRoom(loud)).toBe(true);
});

test('a run that is to be left does not wait for room', async () => {
  const { recorder } = record({ waitingBytesOfOne: 10 });
  await refuse('x', '57P03');
  const id = await begin();
  recorder.record(id, line('x'));
  const controller = new AbortController();
  const waiting = recorder.room(id, controller.signal);
  controller.abort();
  await waiting;
  expect(recorder.hasRoom(id)).toBe(false);
  await sql('drop trigger refuse on execution_log');
});

test('a recorder that makes no progress says so, and again when it does', async () => {
  const { recorder } = record({ standstillMs: 200 });
  const id = await begin();
  expect(recorder.problem()).toBeUndefined();
  await refuse('wait', '57P03');
  recorder.record(id, line('wait'));
  expect(recorder.problem()).toBeUndefined();
  const problem = await until(() => recorder.problem());
  expect(problem).toMatch(/^what executions do has not been stored for \d+ seconds$/);
  expect(recorder.backlog).toMatchObject({ items: 1 });
  expect(recorder.backlog.bytes).toBeGreaterThan(0);
  expect(recorder.backlog.oldestMs).toBeGreaterThan(0);
  await sql('drop trigger refuse on execution_log');
  await recorder.stored(id);
  expect(recorder.problem()).toBeUndefined();
});

test('an execution of one organisation is stored with the first of another that has a hundred at work', async () => {
  const { recorder } = record({ batchBytes: 20_000, sliceBytes: 5_000 });
  const noisy = await Promise.all(Array.from({ length: 100 }, begin));
  const quiet = await begin();
  for (const id of noisy)
    inOrganisation('noisy', () => {
      for (let lines = 0; lines < 10; lines++) recorder.record(id, line('x'.repeat(1_000)));
    });
  // As much as a slice: less would fit in anywhere.
  inOrganisation('quiet', () => {
    for (let lines = 0; lines < 4; lines++) recorder.record(quiet, line('y'.repeat(1_000)));
  });
  await recorder.stored(quiet);
  const [{ count } = { count: 0 }] = await sql<{ count: number }>(
    `select count(*)::int as count from execution_log where execution_id in (${noisy.map((id) => `'${id}'`).join(',')})`,
  );
  expect(count).toBeLessThan(200);
  await Promise.all(noisy.map((id) => recorder.stored(id)));
});
