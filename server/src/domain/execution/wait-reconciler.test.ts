import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { ExecutionBench, organisationId } from '../../../test/executions/execution-bench.ts';
import { testNodeTypes } from '../../../test/executions/node-types.ts';
import { sketch } from '../../../test/executions/sketch.ts';
import { until } from '../../../test/until.ts';
import type { Json } from '../domain-error.ts';
import { controlNodes } from '../nodes/index.ts';
import type { Engine, SuspendedRun } from './engine.ts';
import type { Execution } from './execution.entity.ts';
import { WaitReconciler } from './wait-reconciler.ts';

/** States that cannot come about, put in by hand: each heals within seconds. */
let bench: ExecutionBench;
let reconciling: NodeJS.Timeout;
const warnings: string[] = [];

beforeAll(async () => {
  bench = await ExecutionBench.start([...controlNodes, ...testNodeTypes], undefined, {
    suspensionTimes: { longWait: 1_000, patience: 50 },
  });
  const { engine } = bench;
  const { orm } = bench.database;
  const reconciler = new WaitReconciler({ orm, engine, warn: (message) => warnings.push(message) });
  reconciling = setInterval(() => void reconciler.round(), 200);
});
afterAll(async () => {
  clearInterval(reconciling);
  await bench.stop();
});

const sql = <Row>(text: string, values: unknown[] = []): Promise<Row[]> =>
  bench.database.orm.em.getConnection().execute<Row[]>(text, values);

const runStatus = async (id: string): Promise<string | undefined> =>
  (await sql<{ status: string }>('select status from dbos.workflow_status where workflow_uuid = ?', [id]))[0]?.status;

const suspended = (id: string): Promise<unknown> => until(async () => (await runStatus(id)) === 'DELAYED');

/** The signal is there, and the run was not resumed. */
const putSignal = (id: string, name: string, payload: Json): Promise<unknown> =>
  sql(
    `insert into dbos.notifications (destination_uuid, topic, message, serialization, message_uuid) values (?, ?, ?, 'json', ?)`,
    [id, name, JSON.stringify(payload), `${id}::${name}`],
  );

const past = '2026-11-22T10:00:00.000Z';
const answer = (status: string, payload: Json = null): Json => ({
  status,
  payload,
  decided_by: 'user_x',
  note: null,
  at: past,
});
const outputOf = async (id: string): Promise<unknown> => {
  const { status, output } = await bench.ended(id, 30_000);
  return { status, output };
};

const ask = { type: 'approval', params: { message: 'Ship it?' } };
const approval = sketch({ ask, after: { type: 'work' } }, ['ask:approved -> after'], {
  output: '{{ steps.ask.output.decided_by }}',
});

async function waitingForApproval(): Promise<Execution> {
  const execution = await bench.begin(approval);
  await suspended(execution.id);
  return execution;
}

test('an approval whose signal is there', async () => {
  const { id } = await waitingForApproval();
  await sql(`update execution_wait set status = 'approved', decided_at = now() where execution_id = ?`, [id]);
  await putSignal(id, 'approval:ask', answer('approved'));
  expect(await outputOf(id)).toEqual({ status: 'completed', output: 'user_x' });
});

test('an approval that was stored and not signalled', async () => {
  const { id } = await waitingForApproval();
  await sql(
    `update execution_wait set status = 'approved', decided_by = 'user_y', decided_at = now() where execution_id = ?`,
    [id],
  );
  expect(await outputOf(id)).toEqual({ status: 'completed', output: 'user_y' });
  expect(warnings.find((warning) => warning.includes(id))).toMatch(/answered, approval:ask/);
});

test('a run that was suspended before signals were written down', async () => {
  const { id } = await waitingForApproval();
  await sql(`update dbos.workflow_status set assumed_role = '' where workflow_uuid = ?`, [id]);
  await putSignal(id, 'approval:ask', answer('approved'));
  expect(await outputOf(id)).toEqual({ status: 'completed', output: 'user_x' });
});

test('a callback that has come', async () => {
  const event = sketch({ hear: { type: 'wait.event', params: {} } }, [], { output: '{{ steps.hear.output }}' });
  const { id } = await bench.begin(event);
  await suspended(id);
  await sql(`update execution_wait set status = 'received', decided_at = now() where execution_id = ?`, [id]);
  await putSignal(id, 'event:hear', answer('received', { paid: true }));
  expect(await outputOf(id)).toMatchObject({ status: 'completed', output: { payload: { paid: true } } });
});

test('a called execution that has ended without a word, though its own run is suspended', async () => {
  const called = bench.publish(approval);
  const { id } = await bench.begin(
    sketch({ call: { type: 'workflow.call', params: { workflow_id: called, input: {} } } }, []),
  );
  await suspended(id);
  const [child] = await until(async () => {
    const found = await sql<{ id: string }>('select id from execution where parent_execution_id = ?', [id]);
    return found.length > 0 && found;
  });
  await suspended(child!.id);
  bench.writtenByHand.add(child!.id);
  await sql(`update execution set status = 'completed', output = '"by hand"', completed_at = ? where id = ?`, [
    past,
    child!.id,
  ]);
  expect(await outputOf(id)).toMatchObject({ status: 'completed' });
  expect((await bench.step(id, 'call')).output).toMatchObject({ output: 'by hand' });
  await until(async () => (await runStatus(child!.id)) === 'CANCELLED');
});

test('a timer without a time, and one whose time is wrong', async () => {
  const delay = sketch({ nap: { type: 'delay', params: { duration: '8s' } } }, [], { output: 'slept' });
  const [none, wrong] = await Promise.all([bench.begin(delay), bench.begin(delay)]);
  await Promise.all([suspended(none.id), suspended(wrong.id)]);
  await sql('update dbos.workflow_status set delay_until_epoch_ms = null where workflow_uuid = ?', [none.id]);
  await sql('update dbos.workflow_status set delay_until_epoch_ms = 9999999999999 where workflow_uuid = ?', [wrong.id]);
  expect(await outputOf(none.id)).toEqual({ status: 'completed', output: 'slept' });
  expect(await outputOf(wrong.id)).toEqual({ status: 'completed', output: 'slept' });
});

test('a pause that is over', async () => {
  const { id } = await waitingForApproval();
  await bench.control.pause(organisationId, id);
  await sql(`update dbos.workflow_status set status = 'ENQUEUED' where workflow_uuid = ?`, [id]);
  await until(
    async () =>
      (
        await sql(
          `select from dbos.workflow_status where workflow_uuid = ? and status = 'DELAYED' and assumed_role like '%held%'`,
          [id],
        )
      ).length > 0,
  );
  await sql(`update execution set status = 'waiting', paused_from = null, paused_at = null where id = ?`, [id]);
  await until(
    async () =>
      (
        await sql(
          `select from dbos.workflow_status where workflow_uuid = ? and status = 'DELAYED' and assumed_role like '%approval%'`,
          [id],
        )
      ).length > 0,
  );
});

test('an execution that was ended', async () => {
  const { id } = await waitingForApproval();
  await sql(`update execution set status = 'cancelled', completed_at = ? where id = ?`, [past, id]);
  await until(async () => (await runStatus(id)) === 'CANCELLED');
});

test('a run that rightly waits is let be', async () => {
  const { id } = await waitingForApproval();
  const [before] = await sql('select updated_at from dbos.workflow_status where workflow_uuid = ?', [id]);
  const other = await waitingForApproval();
  await sql(`update execution_wait set status = 'approved', decided_at = now() where execution_id = ?`, [other.id]);
  await bench.ended(other.id, 30_000);
  expect(await sql('select updated_at from dbos.workflow_status where workflow_uuid = ?', [id])).toEqual([before]);
  await bench.control.cancel(organisationId, id);
});

test('a run that cannot be helped keeps the next one from being helped no longer', async () => {
  const since = new Date(0);
  const runs = ['exec_gone_1', 'exec_gone_2'].map((runId) => ({ runId, held: false, since, signals: [] }));
  const helped: string[] = [];
  const engine = {
    leads: true,
    suspended: (after: string) => Promise.resolve(after === '' ? runs : []),
    cancel: ([id]: string[]) => {
      if (helped.push(id!) === 1) throw new TypeError('x is not a function');
      return Promise.resolve();
    },
  } as unknown as Engine;
  const warned: string[] = [];
  const { orm } = bench.database;
  await new WaitReconciler({ orm, engine, warn: (message) => warned.push(message) }).round();
  expect(helped.sort()).toEqual(['exec_gone_1', 'exec_gone_2']);
  expect(warned).toHaveLength(2);
});

test('a run that is suspended no longer when the reconciler comes to it is no fault', async () => {
  const { id } = await waitingForApproval();
  const runs: SuspendedRun[] = [{ runId: id, held: true, since: new Date(0), signals: [] }];
  const engine = {
    leads: true,
    suspended: () => Promise.resolve(runs),
    wake: (runId: string) => bench.engine.wake(runId),
  } as unknown as Engine;
  await sql(`update dbos.workflow_status set status = 'CANCELLED' where workflow_uuid = ?`, [id]);
  const warned: string[] = [];
  const { orm } = bench.database;
  await new WaitReconciler({ orm, engine, warn: (message) => warned.push(message) }).round();
  expect(warned).toEqual([]);
});
