import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { EntityManager } from '@mikro-orm/postgresql';
import { controlNodes } from '../../nodes/index.ts';
import { ExecutionBench, organisationId } from '../../../../test/executions/execution-bench.ts';
import { testNodeTypes, worked } from '../../../../test/executions/node-types.ts';
import { sketch } from '../../../../test/executions/sketch.ts';
import { sha256 } from '../../secret.ts';
import { ExecutionWait } from '../execution-wait.entity.ts';
import type { WaitDecision } from '../execution-waits.ts';
import { until } from '../../../../test/until.ts';

let bench: ExecutionBench;
beforeAll(async () => {
  bench = await ExecutionBench.start([...controlNodes, ...testNodeTypes]);
});
afterEach(() => {
  worked.length = 0;
});
afterAll(() => bench.stop());

const W = { type: 'work' };
const ask = (params: object = {}, more: object = {}) => ({
  type: 'approval',
  params: { message: 'Ship it?', ...params },
  ...more,
});

/** The open wait of a node, once it is there. */
function waitOf(executionId: string, nodePath: string): Promise<ExecutionWait> {
  return until(async () => {
    const em = bench.database.orm.em.fork();
    return (await em.findOne(ExecutionWait, { executionId, nodePath })) ?? undefined;
  });
}

async function answer(executionId: string, nodePath: string, decision: WaitDecision): Promise<void> {
  const { id } = await waitOf(executionId, nodePath);
  await bench.database.orm.em.fork().transactional(async (em) => {
    const wait = await (em as EntityManager).findOneOrFail(ExecutionWait, { id });
    await bench.waits.answer(wait, decision, em as EntityManager);
  });
}

const statusOf = async (executionId: string, nodePath: string): Promise<string> =>
  (await bench.database.orm.em.fork().findOneOrFail(ExecutionWait, { executionId, nodePath })).status;

const waiting = (id: string): Promise<unknown> =>
  until(async () => (await bench.queries.get(organisationId, id)).status === 'waiting');

/** Ends when the run rests outside of the process. */
const resting = (id: string): Promise<unknown> =>
  until(async () => {
    const sql = 'select status from dbos.workflow_status where workflow_uuid = ?';
    const [run] = await bench.database.orm.em.getConnection().execute<{ status: string }[]>(sql, [id]);
    return run?.status === 'DELAYED';
  });

describe('approval', () => {
  const definition = sketch({ before: W, review: ask({ details: { n: '{{ input.n }}' } }), yes: W, no: W, late: W }, [
    'before -> review',
    'review:approved -> yes',
    'review:declined -> no',
    'review:timeout -> late',
  ]);

  test.each([
    ['approved', 'yes'],
    ['declined', 'no'],
  ] as const)('%s leads to its port, with who and why', async (status, next) => {
    const { id } = await bench.begin(definition, { n: 3 });
    await waiting(id);
    const wait = await waitOf(id, 'review');
    expect(wait).toMatchObject({
      kind: 'approval',
      status: 'pending',
      message: 'Ship it?',
      details: { n: 3 },
      tokenHash: null,
    });
    await answer(id, 'review', { status, decidedBy: 'user_1', note: 'because' });
    expect((await bench.ended(id)).status).toBe('completed');
    const steps = await bench.steps(id);
    expect(
      Object.keys(steps)
        .filter((step) => steps[step] === 'completed')
        .sort(),
    ).toEqual(['before', next, 'review'].sort());
    expect((await bench.step(id, 'review')).output).toMatchObject({
      decision: status,
      decided_by: 'user_1',
      note: 'because',
    });
    const reasons = (await bench.eventsOf(id)).filter(({ type }) => type === 'execution:waiting');
    expect(reasons.map(({ data }) => data)).toEqual([{ node_id: 'review', reason: 'approval', until: null }]);
  });

  test('its time-out leads to a port of its own, and nobody can answer any more', async () => {
    const { id } = await bench.run(sketch({ review: ask({ timeout: '100ms' }), late: W }, ['review:timeout -> late']));
    expect(await bench.steps(id)).toEqual({ late: 'completed', review: 'completed' });
    expect(await statusOf(id, 'review')).toBe('expired');
    await expect(answer(id, 'review', { status: 'approved' })).rejects.toMatchObject({ code: 'wait_closed' });
  });

  test('a second answer is refused', async () => {
    const { id } = await bench.begin(definition, { n: 3 });
    await answer(id, 'review', { status: 'approved' });
    await expect(answer(id, 'review', { status: 'declined' })).rejects.toMatchObject({
      code: 'wait_closed',
      details: { status: 'approved' },
    });
    await bench.ended(id);
  });

  test('of many answers at once one counts', async () => {
    const { id } = await bench.begin(definition, { n: 3 });
    await waitOf(id, 'review');
    const answers = Array.from({ length: 5 }, (_, index) =>
      answer(id, 'review', { status: index % 2 ? 'approved' : 'declined' }),
    );
    const counted = (await Promise.allSettled(answers)).filter(({ status }) => status === 'fulfilled');
    expect(counted).toHaveLength(1);
    const { status } = await bench.ended(id);
    expect(status).toBe('completed');
    const { output } = await bench.step(id, 'review');
    expect((output as { decision: string }).decision).toBe(await statusOf(id, 'review'));
  });

  test('an execution that waits long rests, and an answer wakes it; nothing runs twice', async () => {
    const { id } = await bench.begin(definition, { n: 3 });
    await resting(id);
    await answer(id, 'review', { status: 'approved' });
    expect((await bench.ended(id)).status).toBe('completed');
    expect(worked).toEqual([`${id} before 1`, `${id} yes 1`]);
  });

  test('the node time-out is a failure, other than the time-out of the params', async () => {
    const { error, id } = await bench.run(sketch({ review: ask({}, { timeout: '80ms' }) }, []));
    expect(error).toMatchObject({ code: 'timeout', node_id: 'review' });
    expect(await statusOf(id, 'review')).toBe('expired');
  });

  test('a limit around it is not caught where it waits', async () => {
    const review = ask({}, { on_error: 'route' });
    const settings = { timeout: '300ms' };
    const limited = await bench.run(sketch({ review, rescue: W }, ['review:error -> rescue'], { settings }));
    expect(limited).toMatchObject({ status: 'failed', error: { code: 'execution_timeout', node_id: null } });
    const body = JSON.parse(JSON.stringify(sketch({ review, rescue: W }, ['review:error -> rescue'])));
    const each = { type: 'foreach', params: { items: [1], body }, timeout: '300ms' };
    const { status, error } = await bench.run(sketch({ each }, []));
    expect({ status, error }).toMatchObject({ status: 'failed', error: { code: 'timeout', node_id: 'each' } });
    expect(worked).toEqual([]);
  });

  test('ends with its execution', async () => {
    const { id } = await bench.begin(definition, { n: 3 });
    await waitOf(id, 'review');
    await bench.control.cancel(organisationId, id);
    expect(await statusOf(id, 'review')).toBe('cancelled');
    const failed = await bench.run(
      sketch({ a: { type: 'work', params: { fail: 'oops', ms: 300 } }, review: ask() }, []),
    );
    expect(failed.status).toBe('failed');
    expect(await statusOf(failed.id, 'review')).toBe('cancelled');
  });

  test('within a body each item has its own', async () => {
    const body = sketch({ review: ask({ message: 'Item {{ item }}?' }) }, [], {
      output: '{{ steps.review.output.decision }}',
    });
    const each = {
      type: 'foreach',
      params: { items: ['a', 'b'], concurrency: 2, body: JSON.parse(JSON.stringify(body)) },
    };
    const { id } = await bench.begin(sketch({ each }, []));
    await answer(id, 'each[1].review', { status: 'declined' });
    await answer(id, 'each[0].review', { status: 'approved' });
    const { output } = await bench.ended(id);
    expect(output).toMatchObject({ each: { results: [{ output: 'approved' }, { output: 'declined' }] } });
  });
});

describe('needs_approval', () => {
  test('the node begins when it is approved', async () => {
    const { id } = await bench.begin(sketch({ a: { ...W, name: 'Pay', needs_approval: true } }, []));
    expect(await waitOf(id, 'a')).toMatchObject({
      kind: 'approval',
      message: 'Pay needs an approval before it begins.',
    });
    expect(worked).toEqual([]);
    expect(await bench.steps(id)).toEqual({ a: 'waiting' });
    await answer(id, 'a', { status: 'approved' });
    expect((await bench.ended(id)).status).toBe('completed');
    expect(worked).toEqual([`${id} a 1`]);
  });

  test('declined, it fails without a try, and is not tried again', async () => {
    const node = { ...W, needs_approval: true, retry: { max_attempts: 3, initial: '1ms' } };
    const { id } = await bench.begin(sketch({ a: node, b: W }, ['a:error -> b']));
    await answer(id, 'a', { status: 'declined', note: 'too much' });
    expect((await bench.ended(id)).status).toBe('completed');
    expect(worked).toEqual([`${id} b 1`]);
    expect((await bench.step(id, 'a')).error).toMatchObject({
      code: 'approval_declined',
      details: { note: 'too much' },
    });
  });

  test('is asked once, not before every retry', async () => {
    const node = {
      type: 'work',
      params: { fail: 'oops', times: 2 },
      needs_approval: true,
      retry: { max_attempts: 3, initial: '1ms' },
    };
    const { id } = await bench.begin(sketch({ a: node }, []));
    await answer(id, 'a', { status: 'approved' });
    expect((await bench.ended(id)).status).toBe('completed');
    expect(worked).toHaveLength(3);
  });
});

describe('wait.event', () => {
  const event = (params: object = {}) => ({ type: 'wait.event', params: params as never });

  test('the callback URL is known before the node waits, and stands for its token', async () => {
    const { id } = await bench.begin(
      sketch({ tell: { type: 'work', params: { value: '{{ execution.callbacks.paid }}' } }, paid: event() }, [
        'tell -> paid',
      ]),
    );
    await answer(id, 'paid', { status: 'received', payload: { amount: 5 } });
    const { output } = await bench.ended(id);
    expect(output).toMatchObject({ paid: { payload: { amount: 5 } } });
    const url = (await bench.step(id, 'tell')).output as string;
    expect(url).toMatch(/^http:\/\/flowpact\.test\/v1\/callbacks\/[\w-]{43}$/);
    const token = url.slice(url.lastIndexOf('/') + 1);
    expect((await waitOf(id, 'paid')).tokenHash).toBe(sha256(token));
  });

  test('an event that comes before its node waits is not lost', async () => {
    const { id } = await bench.begin(
      sketch({ a: { type: 'work', params: { ms: 400 } }, paid: event() }, ['a -> paid']),
    );
    await answer(id, 'paid', { status: 'received', payload: 1 });
    expect(await bench.ended(id)).toMatchObject({ output: { paid: { payload: 1 } } });
  });

  test('its time-out leads to a port', async () => {
    const { id } = await bench.run(sketch({ paid: event({ timeout: '50ms' }), late: W }, ['paid:timeout -> late']));
    expect(await bench.steps(id)).toEqual({ late: 'completed', paid: 'completed' });
  });

  test('nodes in bodies have URLs of their own', async () => {
    const body = sketch(
      { tell: { type: 'work', params: { value: '{{ execution.callbacks.paid }}' } }, paid: event() },
      ['tell -> paid'],
      { output: '{{ steps.paid.output.payload }}' },
    );
    const each = { type: 'foreach', params: { items: [1, 2], concurrency: 2, body: JSON.parse(JSON.stringify(body)) } };
    const { id } = await bench.begin(sketch({ each }, []));
    await answer(id, 'each[0].paid', { status: 'received', payload: 'x' });
    await answer(id, 'each[1].paid', { status: 'received', payload: 'y' });
    expect(await bench.ended(id)).toMatchObject({ output: { each: { results: [{ output: 'x' }, { output: 'y' }] } } });
    const urls = await Promise.all([0, 1].map(async (index) => (await bench.step(id, `each[${index}].tell`)).output));
    expect(new Set(urls).size).toBe(2);
  });
});

describe('workflow.call', () => {
  const call = (workflowId: string, params: object = {}) => ({
    type: 'workflow.call',
    params: { workflow_id: workflowId, ...params },
  });

  test('runs the other workflow and takes its output', async () => {
    const child = bench.publish(
      sketch({ a: { type: 'work', params: { value: '{{ input.n }}' } } }, [], {
        output: { twice: '{{ steps.a.output }}' },
      }),
    );
    const { output, id } = await bench.run(sketch({ sub: call(child, { input: { n: '{{ input.n }}' } }) }, []), {
      n: 4,
    });
    expect(output).toMatchObject({ sub: { status: 'completed', output: { twice: 4 } } });
    const childId = (output as { sub: { execution_id: string } }).sub.execution_id;
    expect(await bench.queries.waitFor(organisationId, childId, 0)).toMatchObject({
      parentExecutionId: id,
      startedByType: 'execution',
      startedById: id,
      trigger: { type: 'workflow', execution_id: id },
    });
  });

  test('the failure of the other is a failure of the node', async () => {
    const child = bench.publish(sketch({ a: { type: 'work', params: { fail: 'oops' } } }, []));
    const { error } = await bench.run(sketch({ sub: call(child) }, []));
    expect(error).toMatchObject({
      code: 'call_failed',
      node_id: 'sub',
      details: { status: 'failed', error: { code: 'oops' } },
    });
  });

  test('without waiting it goes on at once, and the other lives on', async () => {
    const child = bench.publish(sketch({ a: { type: 'work', params: { ms: 500 } } }, []));
    const { output } = await bench.run(sketch({ sub: call(child, { wait: false }) }, []));
    const childId = (output as { sub: { execution_id: string } }).sub.execution_id;
    expect((await bench.ended(childId)).status).toBe('completed');
  });

  test('a caller that waits long rests, and is woken', async () => {
    const child = bench.publish(sketch({ review: ask() }, []));
    const { id } = await bench.begin(sketch({ sub: call(child) }, []));
    await resting(id);
    const { id: childId } = await until(
      async () => (await bench.queries.list(organisationId, { workflowId: child, perPage: 1 })).items[0],
    );
    await answer(childId, 'review', { status: 'approved' });
    expect((await bench.ended(id)).status).toBe('completed');
  });

  test('cancelling the caller cancels the other, and cancelling the other fails the caller', async () => {
    const child = bench.publish(sketch({ review: ask() }, []));
    const definition = sketch({ sub: call(child) }, []);
    const [first, second] = [await bench.begin(definition), await bench.begin(definition)];
    const childOf = ({ id }: { id: string }) =>
      until(async () =>
        (await bench.queries.list(organisationId, { workflowId: child, perPage: 10 })).items.find(
          (each) => each.parentExecutionId === id,
        ),
      );
    const [one, two] = [await childOf(first), await childOf(second)];
    await bench.control.cancel(organisationId, first.id);
    expect((await bench.ended(one.id)).status).toBe('cancelled');
    await bench.control.cancel(organisationId, two.id);
    expect((await bench.ended(second.id)).error).toMatchObject({
      code: 'call_failed',
      details: { status: 'cancelled' },
    });
  });

  test('the time-out of the node cancels the other', async () => {
    const child = bench.publish(sketch({ a: { type: 'work', params: { ms: 20_000 } } }, []));
    const { error } = await bench.run(sketch({ sub: { ...call(child), timeout: '150ms' } }, []));
    expect(error).toMatchObject({ code: 'timeout', node_id: 'sub' });
    const { items } = await bench.queries.list(organisationId, { workflowId: child, perPage: 1 });
    expect((await bench.ended(items[0]!.id)).status).toBe('cancelled');
  });

  test('a workflow that is not there, and one that calls itself for ever', async () => {
    const missing = await bench.run(sketch({ sub: call('wf_00000000000000000000000000') }, []));
    expect(missing.error).toMatchObject({ code: 'workflow_not_found' });
    const endless = bench.publish(sketch({ a: W }, []));
    bench.publish(sketch({ sub: call(endless) }, []), endless);
    let { error } = await bench.ended((await bench.beginOf(endless)).id);
    let depth = 0;
    for (; error?.code === 'call_failed'; depth++) error = error.details.error as never;
    expect({ depth, code: error?.code }).toEqual({ depth: 9, code: 'call_depth_exceeded' });
  });
});
