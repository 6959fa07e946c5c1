import { describe, expect, test } from '@jest/globals';
import { useContractHarness } from '../harness/contract-harness.ts';
import { execution, FAILING, publishedWorkflow, QUICK, SLOW } from '../harness/resources.ts';
import { parseEventStream } from '../verifier/event-stream.ts';

const harness = useContractHarness();

describe('executeWorkflow', () => {
  test('202: accepted, and done a moment later', async () => {
    const fp = harness().sdk();
    const id = await publishedWorkflow(harness());
    const accepted = await fp.workflows.execute(id, { input: { n: 21 }, metadata: { source: 'test' } });
    const done = await fp.executions.waitForCompletion(accepted.id);
    expect(done).toMatchObject({ status: 'completed', output: { twice: 42 }, metadata: { source: 'test' } });
  });

  test('200: waits for the end when asked to', async () => {
    const path = { workflow_id: await publishedWorkflow(harness()) };
    const { status, body } = await harness().call('executeWorkflow', {
      path,
      query: { wait: '10s' },
      json: { input: { n: 2 } },
    });
    expect({ status, output: body.data.output }).toEqual({ status: 200, output: { twice: 4 } });
  });

  test('200: a failed one says where and why', async () => {
    const path = { workflow_id: await publishedWorkflow(harness(), FAILING) };
    const { status, body } = await harness().call('executeWorkflow', { path, query: { wait: '10s' }, json: {} });
    expect(status).toBe(200);
    expect(body.data).toMatchObject({ status: 'failed', error: { node_id: 'stop', message: 'No more.' } });
  });

  test('202: not done within the wait', async () => {
    const path = { workflow_id: await publishedWorkflow(harness(), SLOW) };
    const { status, body } = await harness().call('executeWorkflow', { path, query: { wait: '1s' }, json: {} });
    expect(status).toBe(202);
    await harness().call('cancelExecution', { path: { execution_id: body.data.id } });
  });

  test('400: input that the schema refuses', async () => {
    const path = { workflow_id: await publishedWorkflow(harness()) };
    const { body } = await harness().refused(
      'executeWorkflow',
      { path, json: { input: { n: 'many' } } },
      400,
      'validation_error',
    );
    expect(body.error.details.errors[0].field).toContain('n');
  });

  test('409: never published', async () => {
    const { body } = await harness().call('createWorkflow', { json: { name: 'Draft', definition: QUICK } });
    await harness().refused(
      'executeWorkflow',
      { path: { workflow_id: body.data.id }, json: {} },
      409,
      'workflow_not_published',
    );
  });
});

describe('lists', () => {
  test('200: executions by workflow, status and time, by page and by cursor', async () => {
    const fp = harness().sdk();
    const workflowId = await publishedWorkflow(harness());
    const started: string[] = [];
    for (let n = 0; n < 5; n++) {
      const { body } = await harness().call('executeWorkflow', {
        path: { workflow_id: workflowId },
        query: { wait: '10s' },
        json: { input: { n } },
      });
      started.push(body.data.id);
    }
    const newestFirst = started.toReversed();
    const byPage = await harness().call('listExecutions', {
      query: { workflow_id: workflowId, status: 'completed', per_page: 2, page: 2 },
    });
    expect(byPage.body.data.map((item: { id: string }) => item.id)).toEqual(newestFirst.slice(2, 4));
    const walked: string[] = [];
    for await (const execution of fp.executions.list({ workflow_id: workflowId, per_page: 2 }))
      walked.push(execution.id);
    expect(walked).toEqual(newestFirst);
    const future = await harness().call('listWorkflowExecutions', {
      path: { workflow_id: workflowId },
      query: { from: '2100-01-01T00:00:00Z' },
    });
    expect(future.body.data).toEqual([]);
    const cursor = await harness().call('listExecutions', { query: { workflow_id: workflowId, per_page: 2 } });
    const next = await harness().call('listExecutions', {
      query: { workflow_id: workflowId, per_page: 2, cursor: cursor.body.pagination.next_cursor },
    });
    expect(next.body.data.map((item: { id: string }) => item.id)).toEqual(newestFirst.slice(2, 4));
  });

  test('400: a cursor that nobody gave out', async () => {
    await harness().refused('listExecutions', { query: { cursor: 'AAAA' } }, 400, 'validation_error');
  });

  test('200: steps and logs of an execution', async () => {
    const path = { workflow_id: await publishedWorkflow(harness()) };
    const { body } = await harness().call('executeWorkflow', {
      path,
      query: { wait: '10s' },
      json: { input: { n: 3 } },
    });
    const execution = { execution_id: body.data.id as string };
    const steps = await harness().call('listExecutionSteps', { path: execution });
    expect(steps.body.data).toMatchObject([
      { node_id: 'double', status: 'completed', output: { twice: 6 } },
      { node_id: 'say', status: 'completed' },
    ]);
    const logs = await harness().call('listExecutionLogs', { path: execution, query: { level: 'info' } });
    expect(logs.body.data).toContainEqual(expect.objectContaining({ message: 'Twice is 6', node_id: 'say' }));
    const none = await harness().call('listExecutionLogs', { path: execution, query: { level: 'error' } });
    expect(none.body.data).toEqual([]);
  });
});

describe('cancelExecution', () => {
  test('202: ends a waiting execution; a second time is a 409', async () => {
    const fp = harness().sdk();
    const { id } = await fp.workflows.execute(await publishedWorkflow(harness(), SLOW), {});
    await fp.executions.cancel(id);
    expect(await fp.executions.waitForCompletion(id)).toMatchObject({ status: 'cancelled' });
    await harness().refused('cancelExecution', { path: { execution_id: id } }, 409, 'execution_already_finished');
  });
});

describe('pauseExecution, resumeExecution', () => {
  test('202: nothing goes on until it is resumed, and the events say so', async () => {
    const fp = harness().sdk();
    const definition = {
      nodes: [
        { id: 'nap', type: 'delay', params: { duration: '1s' } },
        { id: 'after', type: 'set', params: { values: { n: '{{ input.n }}' } } },
      ],
      edges: [{ id: 'e1', from: 'nap', to: 'after', port: 'default' }],
    };
    const workflow_id = await publishedWorkflow(harness(), definition);
    const { id } = await fp.workflows.execute(workflow_id, { input: { n: 1 } });
    expect(await fp.executions.pause(id)).toMatchObject({ id, status: 'paused' });
    await harness().refused('pauseExecution', { path: { execution_id: id } }, 409, 'execution_status_conflict');
    const paused = await harness().call('listExecutions', { query: { status: 'paused', workflow_id } });
    expect(paused.body.data.map((item: { id: string }) => item.id)).toEqual([id]);
    expect(await fp.executions.resume(id)).not.toMatchObject({ status: 'paused' });
    expect(await fp.executions.waitForCompletion(id)).toMatchObject({ status: 'completed' });
    const types: string[] = [];
    for await (const event of fp.executions.stream(id)) types.push(event.type);
    expect(types.filter((type) => /paused|resumed/.test(type))).toEqual(['execution:paused', 'execution:resumed']);
    await harness().refused('resumeExecution', { path: { execution_id: id } }, 409, 'execution_status_conflict');
  });
});

describe('retryExecution', () => {
  test('202: a new execution that keeps what was completed', async () => {
    const definition = {
      nodes: [
        { id: 'first', type: 'set', params: { values: { n: '{{ input.n }}' } } },
        { id: 'stop', type: 'fail', params: { message: 'No more than {{ steps.first.output.n }}.' } },
      ],
      edges: [{ id: 'e1', from: 'first', to: 'stop', port: 'default' }],
    };
    const failed = await execution(harness(), definition);
    const fp = harness().sdk();
    const again = await fp.executions.retry(failed);
    expect(await fp.executions.waitForCompletion(again.id)).toMatchObject({
      retry_of: failed,
      status: 'failed',
      error: { message: 'No more than 1.' },
    });
    const steps = await harness().call('listExecutionSteps', { path: { execution_id: again.id } });
    expect(steps.body.data).toMatchObject([
      { node_id: 'first', status: 'completed', reused: true },
      { node_id: 'stop', status: 'failed', reused: false },
    ]);
    const anew = await fp.executions.retry(again.id, { from: 'start' });
    await fp.executions.waitForCompletion(anew.id);
    const all = await harness().call('listExecutionSteps', { path: { execution_id: anew.id } });
    expect(all.body.data.map(({ reused }: { reused: boolean }) => reused)).toEqual([false, false]);
  });

  test('409: one that has completed, and one of a paused workflow', async () => {
    const completed = await execution(harness());
    const { body } = await harness().refused(
      'retryExecution',
      { path: { execution_id: completed } },
      409,
      'execution_status_conflict',
    );
    expect(body.error.details).toEqual({ id: completed, status: 'completed', allowed: ['failed', 'cancelled'] });
    const failed = await harness()
      .sdk()
      .executions.get(await execution(harness(), FAILING));
    await harness().sdk().workflows.update(failed.workflow_id, { status: 'paused' });
    await harness().refused('retryExecution', { path: { execution_id: failed.id } }, 409, 'workflow_paused');
  });
});

describe('replayExecution', () => {
  test('202: runs again with what is new, and says of what', async () => {
    const original = await execution(harness());
    const fp = harness().sdk();
    const same = await fp.executions.replay(original);
    const other = await fp.executions.replay(original, { input: { n: 4 }, metadata: { by: 'support' } });
    expect(await fp.executions.waitForCompletion(same.id)).toMatchObject({ replay_of: original, output: { twice: 2 } });
    expect(await fp.executions.waitForCompletion(other.id)).toMatchObject({
      replay_of: original,
      output: { twice: 8 },
      metadata: { by: 'support' },
    });
  });

  test('202: another version of the workflow', async () => {
    const workflow_id = await publishedWorkflow(harness());
    const { body } = await harness().call('executeWorkflow', { path: { workflow_id }, json: { input: { n: 5 } } });
    const definition = { ...QUICK, output: { once: '{{ input.n }}' } };
    await harness().call('updateWorkflow', { path: { workflow_id }, json: { definition } });
    await harness().call('publishWorkflow', { path: { workflow_id }, json: {} });
    const fp = harness().sdk();
    const { id } = await fp.executions.replay(body.data.id, { version: 2 });
    expect(await fp.executions.waitForCompletion(id)).toMatchObject({ workflow_version: 2, output: { once: 5 } });
  });

  test('400, 404, 409: an input that the schema refuses, a version that never was, a paused workflow', async () => {
    const workflow_id = await publishedWorkflow(harness());
    const { body } = await harness().call('executeWorkflow', { path: { workflow_id }, json: { input: { n: 5 } } });
    const path = { execution_id: body.data.id as string };
    await harness().refused('replayExecution', { path, json: { input: { n: 'x' } } }, 400, 'validation_error');
    await harness().refused('replayExecution', { path, json: { version: 7 } }, 404, 'resource_not_found');
    await harness().call('updateWorkflow', { path: { workflow_id }, json: { status: 'paused' } });
    await harness().refused('replayExecution', { path, json: {} }, 409, 'workflow_paused');
  });
});

describe('deleteExecution', () => {
  test('204: it is gone, with its steps and logs', async () => {
    const path = { execution_id: await execution(harness()) };
    expect((await harness().call('deleteExecution', { path })).status).toBe(204);
    for (const operation of ['getExecution', 'listExecutionSteps', 'listExecutionLogs', 'deleteExecution'])
      await harness().refused(operation, { path }, 404, 'resource_not_found');
  });

  test('409: one that has not ended', async () => {
    const path = { execution_id: await execution(harness(), SLOW) };
    await harness().refused('deleteExecution', { path }, 409, 'execution_status_conflict');
    await harness().call('cancelExecution', { path });
    expect((await harness().call('deleteExecution', { path })).status).toBe(204);
  });
});

describe('streamExecutionEvents', () => {
  test('200: every event in order, then the end', async () => {
    const fp = harness().sdk();
    const { id } = await fp.workflows.execute(await publishedWorkflow(harness()), { input: { n: 1 } });
    const types: string[] = [];
    for await (const event of fp.executions.stream(id)) types.push(event.type);
    expect(types[0]).toBe('connected');
    expect(types).toEqual(
      expect.arrayContaining(['execution:started', 'node:started', 'node:completed', 'execution:progress']),
    );
    expect(types.at(-1)).toBe('execution:completed');
  });

  test('200: resumes after the last event that was seen', async () => {
    const path = { workflow_id: await publishedWorkflow(harness()) };
    const { body } = await harness().call('executeWorkflow', {
      path,
      query: { wait: '10s' },
      json: { input: { n: 1 } },
    });
    const execution = { execution_id: body.data.id as string };
    const whole = parseEventStream((await harness().call('streamExecutionEvents', { path: execution })).text, {
      complete: true,
    });
    const numbered = whole.filter((event) => event.id !== undefined);
    const seen = numbered[1]!.id!;
    const rest = await harness().call('streamExecutionEvents', { path: execution, headers: { 'last-event-id': seen } });
    const resumed = parseEventStream(rest.text, { complete: true }).filter((event) => event.id !== undefined);
    expect(resumed).toEqual(numbered.slice(2));
  });
});
