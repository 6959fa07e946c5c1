import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '../../../test/database.ts';
import { until } from '../../../test/until.ts';
import type { Json } from '../domain-error.ts';
import { DefinitionSnapshot } from '../execution/definition-snapshot.entity.ts';
import { Execution, type ExecutionResponse, type ExecutionStatus } from '../execution/execution.entity.ts';
import { LiveChannel } from '../execution/live-channel.ts';
import { Step } from '../execution/step.entity.ts';
import { newId } from '../id.ts';
import { type HookAnswer, HookAnswers } from './hook-answers.ts';

/** Tells what it is told to tell, and who listens. */
class FakeLive extends LiveChannel {
  readonly listeners = new Set<(ended: boolean | undefined) => void>();
  start = async (): Promise<void> => undefined;
  stop = async (): Promise<void> => undefined;
  publish(_: string, ended: boolean | undefined): void {
    for (const wake of this.listeners) wake(ended);
  }
  subscribe(_: string, wake: (ended: boolean | undefined) => void): () => void {
    this.listeners.add(wake);
    return () => this.listeners.delete(wake);
  }
}

let database: TestDatabase;
let live: FakeLive;
let organisationId: string;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());
beforeEach(() => {
  live = new FakeLive();
  organisationId = newId('org');
});

const response: ExecutionResponse = { status: 201, headers: { 'x-a': 'b' }, body: { big: 1 } };

async function execution(status: ExecutionStatus, more: Partial<Execution> = {}): Promise<Execution> {
  const em = database.orm.em.fork();
  const of = {
    workflowId: newId('wf'),
    workflowVersion: 1,
    definitionHash: 'hash',
    input: {},
    metadata: {},
    trigger: {},
  };
  const made = Execution.create({ ...of, organisationId, startedBy: { type: 'trigger', id: 'trig_1' } });
  await em.persist(Object.assign(made, { status, ...more })).flush();
  return made;
}

const store = ({ id }: Execution, fields: Partial<Execution>): Promise<number> =>
  database.orm.em.fork().nativeUpdate(Execution, { id }, fields as never);

async function step(
  executionId: string,
  nodeId: string,
  output: Json,
  at: number,
  more: Partial<Step> = {},
): Promise<void> {
  const em = database.orm.em.fork();
  const times = { createdAt: new Date(0), completedAt: new Date(at) };
  const of = { id: newId('step'), organisationId, executionId, nodeId, nodeType: 'pure', attempt: 1 };
  em.create(Step, { ...of, status: 'completed', output, ...times, ...more } as never);
  await em.flush();
}

interface Waiting {
  readonly untilResponse?: boolean;
  readonly milliseconds?: number;
  readonly signal?: AbortSignal;
}
const wait = (of: { id: string }, given: Waiting = {}): Promise<HookAnswer | undefined> =>
  new HookAnswers(database.orm, live).wait(
    { id: of.id, organisationId },
    { untilResponse: false, milliseconds: 0, signal: new AbortController().signal, ...given },
  );

describe('the answer', () => {
  test('is what the respond node says, where that is waited for, also before the end', async () => {
    const running = await execution('running', { response });
    expect(await wait(running, { untilResponse: true })).toEqual({
      kind: 'response',
      response: { status: 201, headers: { 'x-a': 'b' }, body: '{"big": 1}' },
    });
    expect(await wait(running)).toBeUndefined();
    const mute = await execution('completed');
    expect(await wait(mute, { untilResponse: true })).toEqual({ kind: 'output', output: 'null' });
  });

  test('is the output that the workflow shapes, or else that of the node of its own that ended last', async () => {
    const em = database.orm.em.fork();
    const definition = { nodes: [], edges: [], output: { a: 1 } };
    em.create(DefinitionSnapshot, { organisationId, hash: 'shaped', definition, createdAt: new Date() });
    em.create(DefinitionSnapshot, {
      organisationId,
      hash: 'hash',
      definition: { nodes: [], edges: [] },
      createdAt: new Date(),
    });
    await em.flush();
    const shaped = await execution('completed', { definitionHash: 'shaped', output: { own: 1 } });
    const plain = await execution('completed', { output: { own: 1 } });
    for (const { id } of [shaped, plain]) {
      await step(id, 'first', 'first', 1_000);
      await step(id, 'last', { n: 2 }, 2_000);
      await step(id, 'each[0].inner', 'in a body', 3_000);
      await step(id, 'failed', 'failed', 3_000, { status: 'failed' });
    }
    expect(await wait(shaped)).toEqual({ kind: 'output', output: '{"own": 1}' });
    expect(await wait(plain)).toEqual({ kind: 'output', output: '{"n": 2}' });
  });

  test.each<[status: ExecutionStatus, error: { code: string } | null, code: string | null]>([
    ['failed', { code: 'node_failed' }, 'node_failed'],
    ['cancelled', null, null],
  ])('of one that has %s is a failure', async (status, error, code) => {
    const ended = await execution(status, { error: error as never, output: { a: 1 } });
    expect(await wait(ended)).toEqual({ kind: 'failure', status, code });
  });

  test.each<ExecutionStatus>(['pending', 'running', 'waiting', 'paused'])(
    'of one that is %s is none yet',
    async (status) => {
      expect(await wait(await execution(status))).toBeUndefined();
      expect(live.listeners.size).toBe(0);
    },
  );

  test('is not told to others', async () => {
    const ended = await execution('completed');
    organisationId = newId('org');
    expect(await wait(ended)).toBeUndefined();
  });
});

describe('waiting', () => {
  /** So long that the test would fail before. */
  const milliseconds = 3_600_000;
  const heard = (): Promise<unknown> => until(() => live.listeners.size > 0);

  test('ends with the news of the end, and nobody listens any more', async () => {
    const running = await execution('running');
    const answer = wait(running, { milliseconds });
    await heard();
    await store(running, { status: 'completed' });
    live.publish(running.id, true);
    expect(await answer).toEqual({ kind: 'output', output: 'null' });
    expect(live.listeners.size).toBe(0);
  });

  test.each([false, undefined])('for a response goes on after news of something else (ended: %s)', async (ended) => {
    const running = await execution('running');
    const answer = wait(running, { milliseconds, untilResponse: true });
    await heard();
    live.publish(running.id, ended);
    await store(running, { response });
    live.publish(running.id, ended);
    expect(await answer).toMatchObject({ kind: 'response' });
  });

  test('finds what nobody told of', async () => {
    const running = await execution('running');
    const answer = wait(running, { milliseconds });
    await heard();
    await store(running, { status: 'completed' });
    expect(await answer).toMatchObject({ kind: 'output' });
  });

  test('ends when the time is over, and when the one who waits goes away', async () => {
    const running = await execution('running');
    expect(await wait(running, { milliseconds: 10 })).toBeUndefined();
    const leaving = new AbortController();
    const answer = wait(running, { milliseconds, signal: leaving.signal });
    await heard();
    leaving.abort();
    expect(await answer).toBeUndefined();
    expect(await wait(running, { milliseconds, signal: leaving.signal })).toBeUndefined();
    expect(live.listeners.size).toBe(0);
  });

  test('that fails leaves nobody behind', async () => {
    const getNativeClient = (): Promise<never> => Promise.reject(new Error('closed'));
    const closed = { em: { getConnection: () => ({ getNativeClient }) } };
    const answers = new HookAnswers(closed as never, live);
    const given = { untilResponse: false, milliseconds, signal: new AbortController().signal };
    await expect(answers.wait({ id: 'exec_1', organisationId }, given)).rejects.toThrow('closed');
    expect(live.listeners.size).toBe(0);
  });
});
