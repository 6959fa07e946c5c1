import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { ExecutionBench, organisationId } from '../../../test/executions/execution-bench.ts';
import { testNodeTypes, worked } from '../../../test/executions/node-types.ts';
import { sketch } from '../../../test/executions/sketch.ts';
import { newId } from '../id.ts';
import { Execution } from './execution.entity.ts';
import { until } from '../../../test/until.ts';

let bench: ExecutionBench;
beforeAll(async () => {
  bench = await ExecutionBench.start(testNodeTypes);
});
afterEach(() => {
  worked.length = 0;
});
afterAll(() => bench.stop());

const W = { type: 'work' };
const slow = sketch({ a: { type: 'work', params: { ms: 60_000 } }, b: W }, ['a -> b']);

describe('cancel', () => {
  test('ends what the execution has called, and what that has called', async () => {
    const parent = await bench.begin(slow);
    const child = await bench.beginOf(bench.publish(slow), {}, { parentExecutionId: parent.id });
    const grandchild = await bench.beginOf(bench.publish(slow), {}, { parentExecutionId: child.id });
    const done = await bench.beginOf(bench.publish(sketch({ a: W }, [])), {}, { parentExecutionId: parent.id });
    await bench.ended(done.id);
    await bench.control.cancel(organisationId, parent.id);
    const statuses = [parent, child, grandchild, done].map(async ({ id }) => (await bench.ended(id)).status);
    expect(await Promise.all(statuses)).toEqual(['cancelled', 'cancelled', 'cancelled', 'completed']);
    await until(async () => (await bench.engine.health()).running === 0);
  });
});

describe('delete', () => {
  test('leaves nothing, neither here nor in the engine', async () => {
    const { id } = await bench.run(sketch({ a: W, b: { type: 'long' } }, ['a -> b']));
    await until(async () => (await bench.engine.ended([id])).length === 1);
    await bench.control.delete(organisationId, id);
    const connection = bench.database.orm.em.fork().getConnection();
    for (const table of ['execution_event', 'execution_log', 'execution_wait', 'step'])
      expect(await connection.execute(`select 1 from ${table} where execution_id = ?`, [id])).toEqual([]);
    expect(await bench.database.orm.em.fork().count(Execution, { id })).toBe(0);
    expect(await connection.execute('select 1 from dbos.workflow_status where workflow_uuid = ?', [id])).toEqual([]);
    expect(await connection.execute('select 1 from dbos.operation_outputs where workflow_uuid = ?', [id])).toEqual([]);
  });

  test('of what has not ended is refused, of what is not ours not found', async () => {
    const { id } = await bench.begin(slow);
    await expect(bench.control.delete(organisationId, id)).rejects.toMatchObject({
      code: 'execution_status_conflict',
      details: { allowed: ['completed', 'failed', 'cancelled'] },
    });
    await expect(bench.control.delete(newId('org'), id)).rejects.toMatchObject({ code: 'resource_not_found' });
    await bench.control.cancel(organisationId, id);
  });
});
