import { expect, test } from '@jest/globals';
import { useContractHarness } from '../harness/contract-harness.ts';
import { schedules } from '../harness/tags/schedules.ts';
import { triggers } from '../harness/tags/triggers.ts';

const harness = useContractHarness();

test('a schedule is listed, paused and resumed', async () => {
  const good = await schedules.good(harness());
  expect((await harness().call('listSchedules', good['listSchedules'])).body.data.length).toBeGreaterThan(0);
  expect((await harness().call('pauseSchedule', good['pauseSchedule'])).status).toBe(200);
  expect((await harness().call('resumeSchedule', good['resumeSchedule'])).status).toBe(200);
});

test('a trigger that is deleted is not there any more', async () => {
  const good = await triggers.good(harness());
  expect((await harness().call('deleteTrigger', good['deleteTrigger'])).status).toBe(204);
  await harness().refused('getTrigger', good['deleteTrigger']!, 404, 'resource_not_found');
});
