import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import type { Json } from '../../domain/domain-error.ts';
import type { RowsBeside, RunBody, RunRequest } from '../../domain/execution/engine.ts';
import { createTestDatabase, type TestDatabase } from '../../../test/database.ts';
import { DbosEngine } from './dbos-engine.ts';
import { until } from '../../../test/until.ts';

let database: TestDatabase;
let engine: DbosEngine;
const seen: Json[] = [];
const bodies: Record<string, RunBody> = {
  'steps@1': async (run, input) => {
    const { delay = 0 } = input as { delay?: number };
    const first = await run.step('first', async () => 1);
    await run.sleepUntil(await run.step('timer', async () => Date.now() + delay));
    const second = await run.step('second', async () => first + 1);
    seen.push({ runId: run.runId, second, resumed: run.resumed });
  },
  'lost@1': async (run) => {
    seen.push(`resumed: ${run.resumed}`);
    if (!run.resumed) throw new Error('Connection terminated unexpectedly');
    seen.push(await run.step('only', async () => 'done'));
  },
  'blocked@1': async (run) => {
    await run.step('block', async (signal) => {
      seen.push('blocked');
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      seen.push('signalled');
      return null;
    });
    seen.push('never');
  },
  'race@1': async (run) => {
    const pending = new Map<string, Promise<unknown>>(
      [900, 100, 500].map((delay) => [`after${delay}`, run.step(`after${delay}`, () => later(delay))]),
    );
    const order: string[] = [];
    for (let turn = 0; pending.size > 1; turn++) {
      const name = await run.select(`select:${turn}`, pending);
      pending.delete(name);
      order.push(name);
    }
    seen.push(order);
  },
  'large@1': async (run) => {
    seen.push((await run.step('large', async () => Array.from({ length: 1_000_000 }, () => 0))).length);
  },
  'signal@1': async (run) => {
    seen.push(
      (await run.awaitSignal('approve')) ?? null,
      (await run.awaitSignal('other', Date.now() + 50)) ?? 'nothing',
    );
  },
  'rest@1': async (run) => {
    const signalled = run.awaitSignal('approve');
    signalled.catch(() => undefined);
    await run.step('before', async () => (seen.push('before'), null));
    const rest = setTimeout(() => void run.suspendUntil(Date.now() + 3_600_000).catch(() => undefined), 20);
    const payload = (await signalled.finally(() => clearTimeout(rest))) ?? null;
    // A run that was about to rest is replayed.
    if (!seen.includes(payload)) seen.push(payload);
  },
};

function later(delay: number): Promise<number> {
  return new Promise((resolve) => setTimeout(() => resolve(delay), delay));
}

async function startEngine(): Promise<DbosEngine> {
  const next = new DbosEngine({ orm: database.orm, url: database.url });
  for (const [name, body] of Object.entries(bodies)) next.register(name, body);
  await next.start();
  return next;
}

function submit(runId: string, body: string, input: Json = {}): Promise<void> {
  return database.orm.em.fork().transactional((em) => engine.submit([{ runId, body, input }], em));
}

beforeAll(async () => {
  database = await createTestDatabase();
  engine = await startEngine();
});
afterEach(() => {
  seen.length = 0;
});
afterAll(async () => {
  await engine.stop(0);
  await database.drop();
});

test('a submitted run runs to its end', async () => {
  await submit('r1', 'steps@1');
  await until(() => seen.length === 1);
  expect(seen).toEqual([{ runId: 'r1', second: 2, resumed: false }]);
});

test('a large result is kept', async () => {
  await submit('large', 'large@1');
  await until(() => seen.length === 1);
  expect(seen).toEqual([1_000_000]);
});

test('a run whose body loses the database goes on when it is there', async () => {
  await submit('lost', 'lost@1');
  await until(() => seen.includes('done'));
  expect(seen).toEqual(['resumed: false', 'resumed: true', 'done']);
});

test('nothing runs when the transaction is rolled back', async () => {
  const transaction = database.orm.em.fork().transactional(async (em) => {
    await engine.submit([{ runId: 'r2', body: 'steps@1', input: {} }], em);
    throw new Error('rolled back');
  });
  await expect(transaction).rejects.toThrow('rolled back');
  await later(700);
  expect(seen).toEqual([]);
  expect(await engine.ended(['r2'])).toEqual(['r2']);
});

test('outside of a transaction, rows are stored in the statement that stores the run, or neither is', async () => {
  const em = database.orm.em.fork();
  const rows = (sql: string): RowsBeside => ({
    name: sql,
    sql: (parameter) => sql.replace('?', parameter),
    value: 'b1',
  });
  const run = (runId: string): RunRequest => ({ runId, body: 'steps@1', input: {} });
  await em.execute('create table beside (id text primary key)');
  await engine.submit([run('b1')], em, rows('insert into beside values (?)'));
  await until(() => seen.length === 1);
  // Its row is there already.
  await expect(engine.submit([run('b2')], em, rows('insert into beside values (?)'))).rejects.toThrow('beside_pkey');
  await expect(engine.submit([run('b3')], em)).rejects.toThrow('transaction');
  await later(700);
  expect(seen).toMatchObject([{ runId: 'b1' }]);
  expect(await em.execute('select id from beside')).toEqual([{ id: 'b1' }]);
  expect(await engine.ended(['b2', 'b3'])).toEqual(['b2', 'b3']);
});

test('a run in a released savepoint waits for the transaction around it', async () => {
  await database.orm.em.fork().transactional(async (outer) => {
    await outer.transactional((inner) => engine.submit([{ runId: 'r3', body: 'steps@1', input: {} }], inner));
    await later(100);
    expect(seen).toEqual([]);
  });
  await until(() => seen.length === 1);
});

test('a run in a savepoint that is rolled back does not start', async () => {
  await database.orm.em.fork().transactional(async (outer) => {
    const inner = outer.transactional(async (em) => {
      await engine.submit([{ runId: 'r4', body: 'steps@1', input: {} }], em);
      throw new Error('inner');
    });
    await inner.catch(() => undefined);
  });
  await later(700);
  expect(seen).toEqual([]);
});

test('cancelling fires the signal of a running step and ends the run', async () => {
  await submit('r5', 'blocked@1');
  await until(() => seen.includes('blocked'));
  await engine.cancel(['r5']);
  await until(() => seen.includes('signalled'));
  await later(100);
  expect(seen).toEqual(['blocked', 'signalled']);
  expect(await engine.ended(['r5'])).toEqual(['r5']);
});

test('a cancellation stops the run when its transaction commits, and not when it is rolled back', async () => {
  await submit('r5b', 'blocked@1');
  await until(() => seen.includes('blocked'));
  const em = database.orm.em.fork();
  const rolledBack = em.transactional(async (inner) => {
    await engine.cancel(['r5b'], inner);
    throw new Error('rolled back');
  });
  await expect(rolledBack).rejects.toThrow('rolled back');
  await later(100);
  expect(seen).toEqual(['blocked']);
  await em.transactional(async (inner) => {
    await engine.cancel(['r5b'], inner);
    await later(50);
    expect(seen).toEqual(['blocked']);
  });
  await until(() => seen.includes('signalled'));
  expect(await engine.ended(['r5b'])).toEqual(['r5b']);
});

test('a run that was taken away without a word is left', async () => {
  await submit('r5c', 'blocked@1');
  await until(() => seen.includes('blocked'));
  const em = database.orm.em.fork();
  await em.execute(`update dbos.workflow_status set status = 'CANCELLED' where workflow_uuid = 'r5c'`);
  await until(() => seen.includes('signalled'));
  await until(async () => (await engine.health()).running === 0);
});

test('a run in the name of this process that nothing here works on is begun', async () => {
  const em = database.orm.em.fork();
  // As if the commit had been made, and this process had not heard of it.
  const lost = em.transactional(async (inner) => {
    await engine.submit([{ runId: 'r5d', body: 'steps@1', input: {} }], inner);
    throw new Error('no answer');
  });
  await expect(lost).rejects.toThrow('no answer');
  await em.execute(
    `insert into dbos.workflow_status (workflow_uuid, status, name, queue_name, executor_id, owner_xid, authenticated_user, application_version, serialization, priority)
     values ('r5d', 'PENDING', 'steps@1', 'executions', ?, 'token', '', 'flowpact', 'json', 0)`,
    [engine.executorId],
  );
  await em.execute(`insert into dbos.workflow_input (workflow_uuid, inputs) values ('r5d', '[{}]')`);
  await until(() => seen.length === 1);
  expect(seen).toMatchObject([{ runId: 'r5d', second: 2, resumed: true }]);
});

test('a body is registered before the engine starts, or not at all; a run needs one', async () => {
  expect(() => engine.register('late@1', async () => undefined)).toThrow('late@1 is registered too late');
  await expect(submit('r5e', 'unknown@1')).rejects.toThrow('No body is registered as unknown@1.');
  expect(await engine.ended(['r5e'])).toEqual(['r5e']);
});

test('its health tells what is at work; while steps are written there is no problem', async () => {
  expect(await engine.health()).toEqual({ ok: true, running: 0, queued: 0 });
  await submit('r5f', 'blocked@1');
  await until(() => seen.includes('blocked'));
  expect(await engine.health()).toEqual({ ok: true, running: 1, queued: 0 });
  expect(engine.problem()).toBeUndefined();
  await engine.cancel(['r5f']);
  await until(async () => (await engine.health()).running === 0);
});

test('select tells which of several steps ended first', async () => {
  await submit('r6', 'race@1');
  await until(() => seen.length === 1);
  expect(seen).toEqual([['after100', 'after500']]);
});

test('a signal reaches the run that waits for it; the first of a name counts', async () => {
  await submit('r7', 'signal@1');
  await engine.signal('r7', 'approve', { by: 'ada' });
  await engine.signal('r7', 'approve', { by: 'bob' });
  await until(() => seen.length === 2);
  expect(seen).toEqual([{ by: 'ada' }, 'nothing']);
});

test('a signal ends the rest of a run, and what was done before is not done again', async () => {
  await submit('r7b', 'rest@1');
  await resting('r7b');
  await engine.signal('r7b', 'approve', 1);
  await until(() => seen.length === 2);
  expect(seen).toEqual(['before', 1]);
  await ended('r7b');
});

test('a signal is sent when its transaction commits, and not when it is rolled back', async () => {
  await submit('r7c', 'rest@1');
  await resting('r7c');
  const em = database.orm.em.fork();
  const rolledBack = em.transactional(async (inner) => {
    await engine.signal('r7c', 'approve', 'refused', inner);
    throw new Error('rolled back');
  });
  await expect(rolledBack).rejects.toThrow('rolled back');
  await em.transactional((inner) => engine.signal('r7c', 'approve', 'granted', inner));
  await until(() => seen.length === 2);
  expect(seen).toEqual(['before', 'granted']);
  await ended('r7c');
});

test('a signal that comes while the run lies down to rest is not lost', async () => {
  const ids = Array.from({ length: 20 }, (_, index) => `r7d${index}`);
  for (const id of ids) await submit(id, 'rest@1');
  await Promise.all(ids.map((id, index) => later(index * 3).then(() => engine.signal(id, 'approve', id))));
  await until(() => ids.every((id) => seen.includes(id)));
  // Those that were about to rest are replayed.
  const open = `select 1 from dbos.workflow_status where workflow_uuid like 'r7d%' and status <> 'SUCCESS'`;
  await until(async () => (await database.orm.em.getConnection().execute(open)).length === 0);
});

/** A run that was about to rest is replayed: it may tell the next test what it has seen. */
async function ended(runId: string): Promise<void> {
  await until(async () => (await engine.ended([runId])).length === 1);
}

async function resting(runId: string): Promise<void> {
  const connection = database.orm.em.getConnection();
  const query = 'select status from dbos.workflow_status where workflow_uuid = ?';
  await until(async () => (await connection.execute<{ status: string }[]>(query, [runId]))[0]?.status === 'DELAYED');
}

test('a process has one engine', async () => {
  await expect(startEngine()).rejects.toThrow('has an engine already');
});

test('a run that waits is left when the engine stops, and goes on at the next start', async () => {
  await submit('r8', 'steps@1', { delay: 1_500 });
  await later(200);
  await engine.stop(5_000);
  expect(seen).toEqual([]);
  await expect(submit('r9', 'steps@1')).rejects.toMatchObject({ code: 'service_unavailable' });
  await expect(engine.ended(['r8'])).rejects.toMatchObject({ code: 'service_unavailable' });
  expect(await engine.health()).toEqual({ ok: false, running: 0, queued: 0, detail: 'The engine is stopped.' });
  engine = await startEngine();
  await until(() => seen.length === 1);
  expect(seen).toEqual([{ runId: 'r8', second: 2, resumed: true }]);
});

test('an engine that could not start leaves room for another', async () => {
  await engine.stop(0);
  const { port } = new URL(database.url);
  const unreachable = new DbosEngine({ orm: database.orm, url: database.url.replace(`:${port}/`, ':1/') });
  await expect(unreachable.start()).rejects.toThrow('The engine could not start.');
  engine = await startEngine();
  await submit('r10', 'steps@1');
  await until(() => seen.length === 1);
});
