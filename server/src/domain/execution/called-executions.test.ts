import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '../../../test/database.ts';
import { ResourceNotFoundError, ValidationFailedError } from '../domain-error.ts';
import { derivedId, newId } from '../id.ts';
import { CalledExecutions } from './called-executions.ts';
import type { ExecutionControl } from './execution-control.ts';
import { Execution } from './execution.entity.ts';
import { EngineUnavailableError } from './execution.errors.ts';
import type { ExecutionService, ExecutionStart } from './execution.service.ts';

const organisationId = newId('org');
let database: TestDatabase;
let onStart: (start: ExecutionStart) => void;
const starts: ExecutionStart[] = [];
const cancelled: string[] = [];
const announced: unknown[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
});
beforeEach(() => {
  onStart = () => undefined;
  for (const list of [starts, cancelled, announced]) list.length = 0;
});
afterAll(() => database.drop());

const service = {
  start: async (start: ExecutionStart) => {
    onStart(start);
    starts.push(start);
    return { id: start.id };
  },
} as unknown as ExecutionService;
const control = {
  cancelOpen: async (em: { isInTransaction(): boolean }, organisation: string, id: string) => {
    cancelled.push(`${organisation} ${id} ${em.isInTransaction()}`);
    return [id];
  },
  announce: (executions: unknown[]) => void announced.push(...executions),
} as unknown as ExecutionControl;
const called = (): CalledExecutions => new CalledExecutions(database.orm, service, control);

async function add(more: Partial<Execution> = {}, caller?: string): Promise<string> {
  const execution = Execution.create({
    organisationId,
    workflowId: newId('wf'),
    workflowVersion: 1,
    definitionHash: 'hash',
    input: {},
    metadata: {},
    trigger: {},
    startedBy: caller ? { type: 'execution', id: caller } : { type: 'api_key', id: 'key' },
  });
  await database.orm.em.fork().insert(Execution, Object.assign(execution, more));
  return execution.id;
}

/** The last of so many executions that have started each other in a row. */
async function chain(length: number): Promise<string> {
  let last = await add();
  for (let depth = 1; depth < length; depth += 1) last = await add({}, last);
  return last;
}

const call = (wait = true) => ({ workflowId: 'wf_called', input: { n: 1 }, wait });

test('a call starts a workflow of the same organisation, under an id that follows from its key', async () => {
  const parent = await add();
  expect(await called().start(parent, call(), 'key')).toBe(derivedId('exec', 'key'));
  expect(starts).toMatchObject([
    {
      organisationId,
      workflowId: 'wf_called',
      input: { n: 1 },
      startedBy: { type: 'execution', id: parent },
      trigger: { type: 'workflow', execution_id: parent },
      parentExecutionId: parent,
    },
  ]);
});

test('what is not waited for outlives its caller: it has none that it ends with', async () => {
  await called().start(await add(), call(false), 'key');
  expect(starts[0]).not.toHaveProperty('parentExecutionId');
});

test('ten may have started each other in a row, and no eleventh', async () => {
  const ninth = await chain(9);
  await called().start(ninth, call(), 'a');
  const tenth = await add({}, ninth);
  await expect(called().start(tenth, call(), 'b')).rejects.toMatchObject({
    code: 'call_depth_exceeded',
    details: { limit: 10 },
  });
  const far = await add({}, await add({}, tenth));
  await expect(called().start(far, call(), 'c')).rejects.toMatchObject({ code: 'call_depth_exceeded' });
  expect(starts).toHaveLength(1);
});

test('a refusal is a failure of the node, in words that its author can act on', async () => {
  const parent = await add();
  onStart = () => {
    throw new ResourceNotFoundError('workflow', 'wf_called');
  };
  await expect(called().start(parent, call(), 'key')).rejects.toMatchObject({
    name: 'NodeFailure',
    code: 'workflow_not_found',
    details: { id: 'wf_called' },
  });
  onStart = () => {
    throw new ValidationFailedError('Wrong.', [{ field: 'a', message: 'is wrong', location: 'body' }]);
  };
  await expect(called().start(parent, call(), 'key')).rejects.toMatchObject({
    name: 'NodeFailure',
    code: 'validation_error',
    message: 'Wrong.',
  });
});

test.each([new EngineUnavailableError('Try again.'), new TypeError('x is not a function')])(
  'what is not the workflow’s doing is no failure of the node: %s',
  async (error) => {
    const parent = await add();
    onStart = () => {
      throw error;
    };
    await expect(called().start(parent, call(), 'key')).rejects.toBe(error);
  },
);

test('the result of a call is how the execution stands', async () => {
  const parent = await add();
  const open = await add({ status: 'running' }, parent);
  const done = await add({ status: 'completed', output: { n: [1] } }, parent);
  const error = { code: 'oops', message: 'It failed.', node_id: 'a', details: {} };
  const failed = await add({ status: 'failed', error }, parent);
  const result = (id: string): Promise<unknown> => called().result(parent, id);
  expect(await result(open)).toEqual({ execution_id: open, status: 'running', output: null, error: null });
  expect(await result(done)).toEqual({ execution_id: done, status: 'completed', output: { n: [1] }, error: null });
  expect(await result(failed)).toEqual({ execution_id: failed, status: 'failed', output: null, error });
  const gone = newId('exec');
  await expect(result(gone)).rejects.toMatchObject({ code: 'execution_deleted', details: { id: gone } });
});

test('a call that is over cancels what it has started, and nothing that others have', async () => {
  const parent = await add();
  const own = await add({ parentExecutionId: parent }, parent);
  expect(await called().cancel(parent, own)).toBeNull();
  expect(cancelled).toEqual([`${organisationId} ${own} true`]);
  expect(announced).toEqual([own]);
  for (const other of [await add({ parentExecutionId: await add() }), await add({}, parent), newId('exec')])
    await called().cancel(parent, other);
  expect(cancelled).toHaveLength(1);
});
