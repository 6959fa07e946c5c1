import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { useContractHarness } from '../harness/contract-harness.ts';
import { draftWorkflow, publishedWorkflow, QUICK, schedule, SLOW } from '../harness/resources.ts';
import { until } from '../../server/test/until.ts';

const harness = useContractHarness();
const second = { cron: '* * * * * *', input: { n: 1 } };

// eslint-disable-next-line typescript/no-explicit-any -- tests look into bodies that the verifier has checked
type Occurrence = any;

/** The occurrences of a schedule once there is one that satisfies. */
async function occurrences(schedule_id: string, satisfies: (occurrence: Occurrence) => boolean): Promise<Occurrence[]> {
  const list = async (): Promise<Occurrence[]> =>
    (await harness().call('listScheduleOccurrences', { path: { schedule_id } })).body.data;
  return until(async () => {
    const found = await list();
    return found.some(satisfies) && found;
  });
}

describe('createSchedule', () => {
  test('201: through the SDK, with its next time', async () => {
    const workflow_id = await publishedWorkflow(harness());
    const made = await harness()
      .sdk()
      .schedules.create({ workflow_id, name: 'Daily', cron: '0 9 * * *', timezone: 'Europe/Berlin' });
    expect(made).toMatchObject({ status: 'active', overlap: 'skip', catch_up_seconds: 60, interval: null });
    expect(Date.parse(made.next_run_at!)).toBeGreaterThan(Date.now());
  });

  test('400: every fault of the timing is told', async () => {
    const json = {
      workflow_id: await draftWorkflow(harness()),
      name: 'Bad',
      cron: '61 * * * *',
      timezone: 'Mars/Olympus',
      starts_at: '2030-01-02T00:00:00Z',
      ends_at: '2030-01-01T00:00:00Z',
    };
    const fieldsOf = async (changes: object): Promise<string[]> => {
      const request = { json: { ...json, ...changes } };
      const { body } = await harness().refused('createSchedule', request, 400, 'validation_error');
      return body.error.details.errors.map(({ field }: { field: string }) => field);
    };
    expect(await fieldsOf({})).toEqual(['cron', 'timezone', 'ends_at']);
    expect(await fieldsOf({ cron: null, interval: '500ms' })).toEqual(['interval', 'timezone', 'ends_at']);
    expect(await fieldsOf({ cron: 'soon', timezone: '+02:00' })).toEqual(['cron', 'timezone']);
    const both = { cron: 'soon', interval: 'often', timezone: '+02:00' };
    expect(await fieldsOf(both)).toEqual(['cron', 'timezone', 'interval']);
  });

  test('400: neither cron nor interval, both', async () => {
    const json = { workflow_id: await draftWorkflow(harness()), name: 'Bad' };
    const problem = async (operation: string, path: Record<string, string>, timing: object): Promise<unknown> => {
      const request = { path, json: operation === 'createSchedule' ? { ...json, ...timing } : timing };
      const { body } = await harness().refused(operation, request, 400, 'validation_error');
      return body.error.details.errors;
    };
    const neither = { field: '', message: 'give either cron or interval', location: 'body' };
    const both = { field: 'interval', message: 'give either cron or interval, and not both', location: 'body' };
    for (const operation of ['createSchedule', 'previewSchedule']) {
      expect(await problem(operation, {}, { timezone: 'UTC' })).toEqual([neither]);
      expect(await problem(operation, {}, { cron: null, interval: null })).toEqual([neither]);
      expect(await problem(operation, {}, { cron: '@daily', interval: '1h' })).toEqual([both]);
    }
    const path = { schedule_id: await schedule(harness()) };
    expect(await problem('updateSchedule', path, { cron: '@daily', interval: '1h' })).toEqual([both]);
    expect(await problem('updateSchedule', path, { interval: null })).toEqual([{ ...neither, field: 'cron' }]);
  });

  test("400: another organisation's workflow", async () => {
    const stranger = await harness().server.createOrganisation();
    const json = { workflow_id: await draftWorkflow(harness()), name: 'Foreign', interval: '1h' };
    const { body } = await harness().refused(
      'createSchedule',
      { json, apiKey: stranger.apiKey },
      400,
      'validation_error',
    );
    expect(body.error.details.errors).toEqual([expect.objectContaining({ field: 'workflow_id' })]);
  });
});

describe('previewSchedule', () => {
  test('200: the times around a change to summer time', async () => {
    const from = '2026-03-28T00:00:00.000Z';
    const json = { cron: '30 2 * * *', timezone: 'Europe/Berlin', from, count: 2 };
    const { body } = await harness().call('previewSchedule', { json });
    expect(body.data).toEqual({
      timezone: 'Europe/Berlin',
      runs: [
        { at: '2026-03-28T01:30:00.000Z', local: '2026-03-28T02:30:00+01:00' },
        { at: '2026-03-29T01:00:00.000Z', local: '2026-03-29T03:00:00+02:00' },
      ],
    });
  });

  test('400: neither cron nor interval', async () => {
    await harness().refused('previewSchedule', { json: { count: 1 } }, 400, 'validation_error');
  });
});

test('getSchedulePreview 200: as many times as asked for, none while it is paused', async () => {
  const path = { schedule_id: await schedule(harness(), { interval: '1h' }) };
  const active = await harness().call('getSchedulePreview', { path, query: { count: 3 } });
  expect(active.body.data.runs).toHaveLength(3);
  await harness().call('pauseSchedule', { path });
  expect((await harness().call('getSchedulePreview', { path })).body.data.runs).toEqual([]);
});

describe('updateSchedule', () => {
  test('200: a cron takes the place of the interval', async () => {
    const path = { schedule_id: await schedule(harness(), { interval: '1h', input: { n: 1 } }) };
    const { body } = await harness().call('updateSchedule', { path, json: { cron: '0 0 1 1 *' } });
    expect(body.data).toMatchObject({ cron: '0 0 1 1 *', interval: null, input: { n: 1 } });
    expect(body.data.next_run_at).toMatch(/-01-01T00:00:00.000Z$/);
  });

  test('400: an end that leaves no time', async () => {
    const path = { schedule_id: await schedule(harness()) };
    const json = { ends_at: '2020-01-01T00:00:00.000Z' };
    await harness().refused('updateSchedule', { path, json }, 400, 'validation_error');
  });
});

test('a schedule is a trigger of the same id', async () => {
  const schedule_id = await schedule(harness(), { cron: '@yearly' });
  const { body } = await harness().call('getTrigger', { path: { trigger_id: schedule_id } });
  expect(body.data).toMatchObject({ kind: 'schedule', config: { kind: 'schedule', cron: '@yearly' }, url: null });
  const listed = await harness().call('listTriggers', { query: { kind: 'schedule', per_page: 100 } });
  expect(listed.body.data.map(({ id }: { id: string }) => id)).toContain(schedule_id);
});

test('getSchedule 404: a trigger of another kind is no schedule', async () => {
  const workflow_id = await draftWorkflow(harness());
  const json = { workflow_id, name: 'By hand', config: { kind: 'manual' } };
  const { body } = await harness().call('createTrigger', { json });
  await harness().refused('getSchedule', { path: { schedule_id: body.data.trigger.id } }, 404, 'resource_not_found');
});

describe('the clock', () => {
  test('starts an execution that knows its time', async () => {
    const definition = {
      ...QUICK,
      input_schema: { type: 'object' },
      output: { at: '{{ trigger.scheduled_at }}', type: '{{ trigger.type }}', n: '{{ input.n }}' },
    };
    const workflow_id = await publishedWorkflow(harness(), definition);
    const schedule_id = await schedule(harness(), { ...second, workflow_id });
    const [started] = (await occurrences(schedule_id, ({ status }) => status === 'started')).slice(-1);
    await harness().call('pauseSchedule', { path: { schedule_id } });
    for (;;) {
      const { body } = await harness().call('getExecution', { path: { execution_id: started.execution_id } });
      if (body.data.status !== 'completed') {
        await sleep(20);
        continue;
      }
      expect(body.data.started_by).toEqual({ type: 'schedule', id: schedule_id });
      expect(body.data.output).toEqual({ at: started.scheduled_at, type: 'schedule', n: 1 });
      break;
    }
    const { body } = await harness().call('getSchedule', { path: { schedule_id } });
    expect(body.data).toMatchObject({ status: 'paused', next_run_at: null });
    expect(body.data.run_count).toBeGreaterThan(0);
    expect(body.data.last_run_at).not.toBeNull();
  });

  test('skips while an execution is not ended, and pages by cursor', async () => {
    const workflow_id = await publishedWorkflow(harness(), SLOW);
    const schedule_id = await schedule(harness(), { ...second, workflow_id });
    const seen = await occurrences(schedule_id, ({ status }) => status === 'skipped');
    await harness().call('pauseSchedule', { path: { schedule_id } });
    expect(seen.filter(({ status }) => status === 'started')).toHaveLength(1);
    const path = { schedule_id };
    const first = await harness().call('listScheduleOccurrences', { path, query: { per_page: 1 } });
    const { next_cursor: cursor } = first.body.pagination;
    const next = await harness().call('listScheduleOccurrences', { path, query: { per_page: 1, cursor } });
    expect(next.body.data[0].scheduled_at < first.body.data[0].scheduled_at).toBe(true);
    const started = await harness().call('listScheduleOccurrences', { path, query: { status: 'started' } });
    expect(started.body.data).toHaveLength(1);
    await harness().call('cancelExecution', { path: { execution_id: started.body.data[0].execution_id } });
  });

  test('tells why nothing was started', async () => {
    const workflow_id = await draftWorkflow(harness());
    const schedule_id = await schedule(harness(), { ...second, workflow_id });
    const [failed] = await occurrences(schedule_id, ({ status }) => status === 'failed');
    expect(failed.error).toMatchObject({ code: 'workflow_not_published' });
    await harness().call('deleteSchedule', { path: { schedule_id } });
    await harness().refused('listScheduleOccurrences', { path: { schedule_id } }, 404, 'resource_not_found');
  });
});

test('listScheduleOccurrences 400: a cursor that nobody gave out', async () => {
  const path = { schedule_id: await schedule(harness()) };
  await harness().refused('listScheduleOccurrences', { path, query: { cursor: 'x' } }, 400, 'validation_error');
});

test('200: a schedule is listed, paused and resumed', async () => {
  const path = { schedule_id: await schedule(harness()) };
  const { body } = await harness().call('listSchedules', { query: { per_page: 100 } });
  expect(body.data.map(({ id }: { id: string }) => id)).toContain(path.schedule_id);
  expect((await harness().call('pauseSchedule', { path })).body.data).toMatchObject({ status: 'paused' });
  expect((await harness().call('resumeSchedule', { path })).body.data).toMatchObject({ status: 'active' });
});
