import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '../../../test/database.ts';
import { until } from '../../../test/until.ts';
import type { Caller } from '../caller.ts';
import type { Json } from '../domain-error.ts';
import { newId } from '../id.ts';
import type { Evaluator } from '../language/index.ts';
import { sha256 } from '../secret.ts';
import { ApprovalService } from './approval.service.ts';
import { CallbackService } from './callback.service.ts';
import type { Engine } from './engine.ts';
import { ExecutionWait } from './execution-wait.entity.ts';
import { ExecutionWaits } from './execution-waits.ts';
import { Execution } from './execution.entity.ts';

const organisationId = newId('org');
const caller: Caller = { organisationId, userId: 'user_ada', scopes: [] };
const minute = 60_000;

let database: TestDatabase;
const signals: unknown[] = [];
/** What the engine does with a signal. */
let onSignal: () => Promise<void>;
/** What is wrong with payloads, and how they are judged. */
let faults: { keys: string[]; message: string }[];
const judged: unknown[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
});
beforeEach(() => {
  signals.length = 0;
  judged.length = 0;
  faults = [];
  onSignal = async () => undefined;
});
afterAll(() => database.drop());

const engine = {
  signal: async (runId: string, name: string, payload: Json, em?: { isInTransaction(): boolean }) => {
    signals.push([runId, name, payload, em?.isInTransaction() ?? false]);
    await onSignal();
  },
} as unknown as Engine;
const evaluator = {
  schemaFaults: async (...given: unknown[]) => {
    judged.push(given);
    return faults;
  },
} as unknown as Evaluator;

const waits = (): ExecutionWaits => new ExecutionWaits(database.orm, engine);
const approvals = (): ApprovalService => new ApprovalService(database.orm.em.fork(), waits());
const callbacks = (): CallbackService => new CallbackService(database.orm.em.fork(), waits(), evaluator);

async function addExecution(organisation = organisationId): Promise<string> {
  const execution = Execution.create({
    organisationId: organisation,
    workflowId: newId('wf'),
    workflowVersion: 1,
    definitionHash: 'hash',
    input: {},
    metadata: {},
    trigger: {},
    startedBy: { type: 'api_key', id: 'key' },
  });
  await database.orm.em.fork().insert(Execution, execution);
  return execution.id;
}

async function addWait(more: Partial<ExecutionWait> = {}): Promise<ExecutionWait> {
  const executionId = more.executionId ?? (await addExecution(more.organisationId));
  const wait = {
    id: newId('wait'),
    organisationId,
    executionId,
    nodePath: 'ask',
    nodeName: null,
    kind: 'approval',
    status: 'pending',
    signal: 'approval:ask',
    tokenHash: null,
    payloadSchema: null,
    message: 'Ship it?',
    details: null,
    createdAt: new Date(),
    endsAt: null,
    decidedAt: null,
    decidedBy: null,
    note: null,
    ...more,
  };
  await database.orm.em.fork().insert(ExecutionWait, wait as ExecutionWait);
  return find(wait.id);
}

const find = (id: string): Promise<ExecutionWait> => database.orm.em.fork().findOneOrFail(ExecutionWait, { id });
const inPast = (): Date => new Date(Date.now() - minute);
const inFuture = (): Date => new Date(Date.now() + minute);

test('a decision is stored and told to the run, in one transaction', async () => {
  const { id, executionId } = await addWait({ endsAt: inFuture() });
  const decided = await approvals().decide(caller, id, 'approved', 'so be it');
  expect(decided.status).toBe('approved');
  const { status, note, decidedBy, decidedAt } = await find(id);
  expect({ status, note, decidedBy }).toEqual({ status: 'approved', note: 'so be it', decidedBy: 'user_ada' });
  const answer = { status, payload: null, decided_by: decidedBy, note, at: decidedAt!.toISOString() };
  expect(signals).toEqual([[executionId, 'approval:ask', answer, true]]);
});

test('a decision without a note has none', async () => {
  const { id } = await addWait();
  await approvals().decide(caller, id, 'declined');
  expect(await find(id)).toMatchObject({ status: 'declined', note: null });
  expect(signals).toMatchObject([[expect.anything(), 'approval:ask', { status: 'declined', note: null }, true]]);
});

test('a note that cannot be stored is refused before anything is decided', async () => {
  const { id } = await addWait();
  await expect(approvals().decide(caller, id, 'approved', 'a\0b')).rejects.toMatchObject({ code: 'validation_error' });
  expect(await find(id)).toMatchObject({ status: 'pending' });
});

test('a decision that the run cannot be told of is not taken', async () => {
  const { id } = await addWait();
  onSignal = () => Promise.reject(new Error('no engine'));
  await expect(approvals().decide(caller, id, 'approved')).rejects.toThrow('no engine');
  expect(await find(id)).toMatchObject({ status: 'pending', decidedBy: null });
});

test.each(['approved', 'declined', 'expired', 'cancelled'] as const)(
  'what is %s is decided no more',
  async (status) => {
    const { id } = await addWait({ status, decidedAt: new Date() });
    await expect(approvals().decide(caller, id, 'approved')).rejects.toMatchObject({
      code: 'wait_closed',
      details: { id, status },
    });
    expect(signals).toEqual([]);
  },
);

test('a wait whose time is over counts as expired, also before its run has noticed', async () => {
  const { id } = await addWait({ endsAt: inPast() });
  const closed = { code: 'wait_closed', details: { status: 'expired' } };
  await expect(approvals().decide(caller, id, 'approved')).rejects.toMatchObject(closed);
  expect(await approvals().get(organisationId, id)).toMatchObject({ status: 'expired', wait: { status: 'pending' } });
});

test('of two decisions at once one counts, and the other one hears of it', async () => {
  const { id } = await addWait();
  const [first, second] = [Promise.withResolvers<void>(), approvals()];
  onSignal = () => first.promise;
  const deciding = approvals().decide(caller, id, 'approved');
  await until(() => signals.length === 1);
  const late = second.decide(caller, id, 'declined');
  late.catch(() => undefined);
  await until(
    async () =>
      (await database.orm.em.execute("select from pg_stat_activity where wait_event_type = 'Lock'")).length > 0,
  );
  first.resolve();
  await deciding;
  await expect(late).rejects.toMatchObject({ code: 'wait_closed', details: { status: 'approved' } });
  expect(signals).toHaveLength(1);
});

test('a wait expires once, unless it was answered before', async () => {
  const { id, executionId } = await addWait({ endsAt: inPast() });
  expect(await waits().expire(executionId, 'approval:ask')).toBe(true);
  const expired = await find(id);
  expect(expired).toMatchObject({ status: 'expired', decidedAt: expect.any(Date) });
  expect(await waits().expire(executionId, 'approval:ask')).toBe(true);
  expect((await find(id)).decidedAt).toEqual(expired.decidedAt);
  const answered = await addWait({ status: 'approved', decidedAt: new Date() });
  expect(await waits().expire(answered.executionId, 'approval:ask')).toBe(false);
  expect(await find(answered.id)).toMatchObject({ status: 'approved' });
  expect(await waits().expire(answered.executionId, 'approval:other')).toBe(true);
});

test('other organisations, other kinds and what is no id are not found', async () => {
  const foreign = await addWait({ organisationId: newId('org') });
  const event = await addWait({ kind: 'event', signal: 'event:ask' });
  for (const id of [foreign.id, event.id, newId('wait'), 'wait_1']) {
    const missing = { code: 'resource_not_found', details: { resource: 'approval', id } };
    await expect(approvals().get(organisationId, id)).rejects.toMatchObject(missing);
    await expect(approvals().decide(caller, id, 'approved')).rejects.toMatchObject(missing);
  }
  expect(await find(foreign.id)).toMatchObject({ status: 'pending' });
});

test('approvals are listed by how they stand now, newest first, by page and by cursor', async () => {
  const organisation = newId('org');
  const executionId = await addExecution(organisation);
  const at = (seconds: number): Date => new Date(Date.UTC(2026, 0, 1, 0, 0, seconds));
  const add = async (seconds: number, more: Partial<ExecutionWait>): Promise<string> => {
    const { id } = await addWait({
      organisationId: organisation,
      executionId,
      signal: `approval:${seconds}`,
      createdAt: at(seconds),
      ...more,
    });
    return id;
  };
  const open = await add(1, {});
  const limited = await add(2, { endsAt: inFuture() });
  const over = await add(3, { endsAt: inPast() });
  const expired = await add(4, { status: 'expired', decidedAt: new Date() });
  const approved = await add(5, { status: 'approved', decidedAt: new Date(), endsAt: inPast() });
  await add(6, { kind: 'event' });
  const other = await addExecution(organisation);
  const elsewhere = await add(7, { executionId: other });

  const idsOf = async (query: object): Promise<string[]> => {
    const { items } = await approvals().list(organisation, { perPage: 10, ...query });
    return items.map(({ wait }) => wait.id);
  };
  expect(await idsOf({})).toEqual([elsewhere, approved, expired, over, limited, open]);
  expect(await idsOf({ executionId })).toEqual([approved, expired, over, limited, open]);
  expect(await idsOf({ executionId, statuses: ['pending'] })).toEqual([limited, open]);
  expect(await idsOf({ executionId, statuses: ['expired'] })).toEqual([expired, over]);
  expect(await idsOf({ executionId, statuses: ['approved', 'pending'] })).toEqual([approved, limited, open]);
  expect(await idsOf({ executionId, statuses: ['declined'] })).toEqual([]);

  const page = await approvals().list(organisation, { executionId, page: 2, perPage: 2 });
  expect(page.items.map(({ wait, status }) => [wait.id, status])).toEqual([
    [over, 'expired'],
    [limited, 'pending'],
  ]);
  expect(page.page).toEqual({ number: 2, total: 5 });
  const next = await approvals().list(organisation, { executionId, perPage: 2, cursor: page.nextCursor! });
  expect(next.items.map(({ wait }) => wait.id)).toEqual([open]);
  expect(next).toMatchObject({ nextCursor: null, page: undefined });
});

test('what is no id of an execution has no approvals', async () => {
  // Nor is the database asked: it refuses a NUL.
  const query = { perPage: 10, executionId: 'exec_\0' };
  expect(await approvals().list(organisationId, query)).toMatchObject({ items: [], page: { number: 1, total: 0 } });
  const cursor = Buffer.from(`${Date.now()} ${newId('wait')}`).toString('base64url');
  expect((await approvals().list(organisationId, { ...query, cursor })).page).toBeUndefined();
  const wrong = { perPage: 10, cursor: 'nonsense' };
  await expect(approvals().list(organisationId, wrong)).rejects.toMatchObject({ code: 'validation_error' });
});

test('the approvals of an execution that is gone are gone', async () => {
  const { id, executionId } = await addWait();
  const { id: kept } = await addWait();
  await database.orm.em.fork().nativeDelete(Execution, { id: executionId });
  const { items } = await approvals().list(organisationId, { perPage: 1_000 });
  const listed = items.map(({ wait }) => wait.id);
  expect([listed.includes(id), listed.includes(kept)]).toEqual([false, true]);
});

const eventWait = (token: string, more: Partial<ExecutionWait> = {}): Promise<ExecutionWait> =>
  addWait({ kind: 'event', signal: 'event:ask', tokenHash: sha256(token), ...more });

test('an event is taken once, from whoever has the token', async () => {
  const { id, executionId } = await eventWait('token-1');
  const at = await callbacks().receive('token-1', { paid: true });
  expect(await find(id)).toMatchObject({ status: 'received', decidedAt: at, decidedBy: null });
  const answer = { status: 'received', payload: { paid: true }, decided_by: null, note: null, at: at.toISOString() };
  expect(signals).toEqual([[executionId, 'event:ask', answer, true]]);
  await expect(callbacks().receive('token-1', {})).rejects.toMatchObject({ code: 'wait_closed' });
  expect(judged).toEqual([]);
});

test('a payload that does not satisfy the schema is refused, and the next one may', async () => {
  const payloadSchema = { type: 'object' };
  const { id } = await eventWait('token-2', { payloadSchema });
  faults = [{ keys: ['a', 'b'], message: 'is missing' }];
  await expect(callbacks().receive('token-2', 7)).rejects.toMatchObject({
    code: 'validation_error',
    details: { errors: [{ field: 'a.b', message: 'is missing', location: 'body' }] },
  });
  expect(await find(id)).toMatchObject({ status: 'pending' });
  expect(judged).toMatchObject([[payloadSchema, 7, { organisationId, maxWaitMs: expect.any(Number) }]]);
  faults = [];
  await callbacks().receive('token-2', {});
  expect(await find(id)).toMatchObject({ status: 'received' });
});

test('a token of nobody is not found, and not told again as a whole', async () => {
  const token = 'abcdefghijklmnop';
  await addWait({ signal: 'approval:x', tokenHash: sha256(token) });
  const missing = { code: 'resource_not_found', details: { resource: 'callback', id: 'abcdef...' } };
  await expect(callbacks().receive(token, {})).rejects.toMatchObject(missing);
});

test('a payload that cannot be stored is refused', async () => {
  await eventWait('token-3');
  await expect(callbacks().receive('token-3', 'a\0b')).rejects.toMatchObject({ code: 'validation_error' });
});
