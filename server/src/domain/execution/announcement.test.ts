import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { ExecutionBench, organisationId } from '../../../test/executions/execution-bench.ts';
import { testNodeTypes } from '../../../test/executions/node-types.ts';
import { sketch } from '../../../test/executions/sketch.ts';
import type { Json } from '../domain-error.ts';
import { DomainEvent } from '../event/domain-event.entity.ts';
import type { EventType } from '../event/event-type.ts';
import { fail } from '../nodes/fail/fail.node.ts';
import { WebhookDelivery } from '../webhook/webhook-delivery.entity.ts';

let bench: ExecutionBench;
beforeAll(async () => {
  bench = await ExecutionBench.start([...testNodeTypes, fail]);
});
afterAll(() => bench.stop());

const types: EventType[] = ['execution.started', 'execution.completed', 'execution.failed', 'execution.cancelled'];
beforeEach(async () => {
  bench.loops.woken.length = 0;
  await listen(types);
});

const listen = (heard: EventType[]): Promise<void> =>
  bench.database.orm.em
    .fork()
    .transactional((em) =>
      bench.domainEvents.listen(em, { organisationId, kind: 'webhook', id: 'wh_1', types: heard }),
    );
const eventsOf = async (executionId: string): Promise<DomainEvent[]> => {
  const em = bench.database.orm.em.fork();
  const found = await em.find(DomainEvent, { organisationId }, { orderBy: { createdAt: 'asc', id: 'asc' } });
  return found.filter(({ data }) => data.execution_id === executionId);
};
const rfc3339 = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);

test('an execution that completes is started and completed, each once, with a delivery each', async () => {
  const { id, workflowId } = await bench.run(sketch({ a: { type: 'work' } }, []));
  const [started, completed, ...more] = await eventsOf(id);
  expect(more).toEqual([]);
  expect(started).toMatchObject({
    type: 'execution.started',
    data: {
      execution_id: id,
      workflow_id: workflowId,
      workflow_version: 1,
      workflow_name: null,
      created_at: rfc3339,
      started_at: rfc3339,
      error: null,
    },
  });
  expect(completed).toMatchObject({
    type: 'execution.completed',
    data: { status: 'completed', completed_at: rfc3339, output_omitted: false, error: null },
  });
  const em = bench.database.orm.em.fork();
  expect(await em.count(WebhookDelivery, { eventId: { $in: [started!.id, completed!.id] } })).toBe(2);
  expect(bench.loops.woken).toContain('webhook-deliveries');
});

test('one that fails says why', async () => {
  const { id } = await bench.run(sketch({ a: { type: 'work', params: { fail: 'no_luck' } } }, []));
  const [, failed] = await eventsOf(id);
  expect(failed).toMatchObject({
    type: 'execution.failed',
    data: { status: 'failed', output: null, error: { code: 'no_luck', node_id: 'a' } },
  });
});

test('one that is cancelled is told of in the transaction that cancels it', async () => {
  const { id } = await bench.begin(sketch({ a: { type: 'work', params: { ms: 60_000 } } }, []));
  await bench.control.cancel(organisationId, id);
  const events = await eventsOf(id);
  expect(events.at(-1)).toMatchObject({
    type: 'execution.cancelled',
    data: { execution_id: id, status: 'cancelled', completed_at: rfc3339 },
  });
});

test('a large output stays out of the event', async () => {
  const text = 'x'.repeat(300_000);
  const { id, output } = await bench.run(
    sketch({ a: { type: 'work' } }, [], { output: { text: '{{ input.text }}' } }),
    { text },
  );
  expect(output).toEqual({ text });
  expect((await eventsOf(id))[1]).toMatchObject({ data: { output: null, output_omitted: true } });
});

test.each([
  [262_144, false],
  [262_145, true],
])('details of %i bytes stay out of the event: %s', async (length, areOmitted) => {
  const note = 'x'.repeat(length - '{"note": ""}'.length);
  const details = { note: '{{ input.note }}' };
  const { id } = await bench.run(
    sketch({ a: { type: 'fail', params: { message: 'No.', code: 'no_luck', details } } }, []),
    { note },
  );
  const { error } = (await eventsOf(id))[1]!.data as { error: { code: string; details: Json } };
  expect(error).toMatchObject({ code: 'no_luck', node_id: 'a' });
  const omitted = { omitted: 'The details have more than 256 KiB: read the execution.' };
  // Half a megabyte in a message of the test would help nobody.
  expect(isDeepStrictEqual(error.details, areOmitted ? omitted : { note })).toBe(true);
});

test('nothing is written when nobody listens', async () => {
  await listen(['workflow.created']);
  const { id } = await bench.run(sketch({ a: { type: 'work' } }, []));
  expect(await eventsOf(id)).toEqual([]);
  expect(bench.loops.woken).toEqual([]);
});
