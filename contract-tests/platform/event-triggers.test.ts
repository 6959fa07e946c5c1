import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { useContractHarness } from '../harness/contract-harness.ts';
import { FAILING, publishedWorkflow, QUICK, trigger } from '../harness/resources.ts';
import { until } from '../../server/test/until.ts';

// What starts a workflow without anybody asking: events of the organisation, submissions of its forms.

const harness = useContractHarness();

/** Shows what it was started with. */
const MIRROR = {
  nodes: [{ id: 'see', type: 'set', params: { values: { seen: '{{ trigger }}' } } }],
  edges: [],
  output: { seen: '{{ trigger }}', input: '{{ input }}' },
};

// eslint-disable-next-line typescript/no-explicit-any -- tests look into bodies that the verifier has checked
type Started = any;

/** The executions that the trigger has started, once there are as many and all have ended. */
async function startedBy(trigger_id: string, count: number): Promise<Started[]> {
  for (;;) {
    const { body } = await harness().call('listExecutions', { query: { per_page: 100 } });
    const mine = body.data.filter((one: Started) => one.started_by.id === trigger_id);
    if (mine.length >= count && mine.every((one: Started) => one.completed_at !== null)) {
      const ids = mine.map(({ id }: Started) => ({ execution_id: id }));
      return Promise.all(ids.map(async (path: Started) => (await harness().call('getExecution', { path })).body.data));
    }
    await sleep(25);
  }
}

const event = (events: string[], filter: string | null = null) => ({ kind: 'event', events, filter });

describe('event triggers', () => {
  test('start once for each event that the filter lets through, with its data', async () => {
    const wanted = await publishedWorkflow(harness(), FAILING);
    const other = await publishedWorkflow(harness(), FAILING);
    const filter = `event.data.workflow_id === '${wanted}' && event.data.error.code === 'failed'`;
    const trigger_id = await trigger(harness(), event(['execution.failed'], filter), {}, MIRROR);
    const ran: string[] = [];
    for (const workflow_id of [other, wanted, other, wanted]) {
      const options = { path: { workflow_id }, query: { wait: '10s' }, json: { input: {} } };
      const { body } = await harness().call('executeWorkflow', options);
      if (workflow_id === wanted) ran.push(body.data.id);
    }
    const started = await startedBy(trigger_id, 2);
    const seen = started.map(({ output }) => output.seen);
    expect(seen.map((one: Started) => one.event.data.execution_id).sort()).toEqual(ran.sort());
    expect(seen[0]).toMatchObject({ type: 'event', trigger_id, depth: 1, event: { type: 'execution.failed' } });
    expect(started[0].input).toMatchObject({ workflow_id: wanted, status: 'failed' });
    const { body } = await harness().call('getTrigger', { path: { trigger_id } });
    expect(body.data.trigger_count).toBe(2);
  });

  test('hear nothing while they are disabled', async () => {
    const trigger_id = await trigger(harness(), event(['workflow.created']), {}, MIRROR);
    const path = { trigger_id };
    await harness().call('disableTrigger', { path });
    await harness().call('createWorkflow', { json: { name: 'Unheard' } });
    await harness().call('enableTrigger', { path });
    await harness().call('createWorkflow', { json: { name: 'Heard' } });
    const started = await startedBy(trigger_id, 1);
    expect(started.map(({ output }) => output.seen.event.data.name)).toEqual(['Heard']);
  });

  test('that hear of what they have started themselves end after five', async () => {
    const workflow_id = await publishedWorkflow(harness(), QUICK);
    const filter = `event.data.workflow_id === '${workflow_id}'`;
    const fields = { workflow_id, input: { n: 1 } };
    const trigger_id = await trigger(harness(), event(['execution.completed'], filter), fields);
    await harness().call('executeWorkflow', { path: { workflow_id }, json: { input: { n: 1 } } });
    const started = await startedBy(trigger_id, 5);
    for (;;) {
      const said = JSON.stringify(harness().server.logs);
      if (said.includes('too far down a chain')) break;
      await sleep(25);
    }
    expect(await startedBy(trigger_id, 5)).toHaveLength(started.length);
    expect(started).toHaveLength(5);
  });

  test('that hear of what their executions have called end after five, too', async () => {
    const called = await publishedWorkflow(harness(), QUICK);
    const params = { workflow_id: called, input: { n: 1 } };
    const nodes = [{ id: 'call', type: 'workflow.call', params }];
    const calling = { nodes, edges: [], output: { depth: '{{ trigger.depth }}' } };
    const workflow_id = await publishedWorkflow(harness(), calling);
    const filter = `event.data.workflow_id === '${called}'`;
    const trigger_id = await trigger(harness(), event(['execution.completed'], filter), { workflow_id });
    const warnings = (): number => JSON.stringify(harness().server.logs).split('too far down a chain').length;
    const before = warnings();
    await harness().call('executeWorkflow', { path: { workflow_id: called }, json: { input: { n: 1 } } });
    const started = await startedBy(trigger_id, 5);
    await until(() => warnings() > before);
    expect(started.map(({ output }) => output.depth).sort()).toEqual([1, 2, 3, 4, 5]);
    expect(await startedBy(trigger_id, 5)).toHaveLength(5);
  });

  test('whose filter fails start nothing and are told in the log', async () => {
    const trigger_id = await trigger(harness(), event(['workflow.created'], 'event.data.none.deep === 1'), {}, MIRROR);
    await harness().call('createWorkflow', { json: { name: 'Any' } });
    for (;;) {
      const logs = harness().server.logs.filter((line) => line['trigger'] === trigger_id);
      if (logs.length > 0) {
        expect(logs[0]).toMatchObject({ level: 'warn', code: 'expression_error' });
        break;
      }
      await sleep(25);
    }
    for (;;) {
      const { body } = await harness().call('getTrigger', { path: { trigger_id } });
      expect(body.data.trigger_count).toBe(0);
      if (body.data.last_error !== null) {
        expect(body.data.last_error).toMatchObject({ code: 'expression_error' });
        break;
      }
      await sleep(25);
    }
  });

  test('40 that hear of everything start 100 executions from one, and say why they start no more', async () => {
    const workflow_id = await publishedWorkflow(harness(), QUICK);
    const fields = { workflow_id, input: { n: 1 } };
    const ids = await Promise.all(
      Array.from({ length: 40 }, () => trigger(harness(), event(['execution.completed']), fields)),
    );
    const executed = await harness().call('executeWorkflow', { path: { workflow_id }, json: { input: { n: 1 } } });
    const origin = executed.body.data.id as string;
    // 40 by the first event, 40 by the second, 20 by the third: the 98 others of the 101 events, and the third, are told of.
    const refusing = (): number => harness().server.logs.filter((line) => line['origin'] === origin).length;
    await until(() => refusing() >= 99);
    const found = await Promise.all(
      ids.map(async (trigger_id) => (await harness().call('getTrigger', { path: { trigger_id } })).body.data),
    );
    for (const trigger_id of ids) await harness().call('deleteTrigger', { path: { trigger_id } });
    // What earlier tests have left at work has chains of its own.
    const started = harness().server.sql(`select 1 from execution where "trigger"->>'origin' = $1`, [origin]);
    expect(await started).toHaveLength(100);
    expect(found.map(({ last_error }) => last_error.code)).toEqual(Array(40).fill('event_chain_full'));
  });
});
