import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { createTestDatabase, type TestDatabase } from '../../../test/database.ts';
import { RecordedBatches } from '../../../test/recorded-batches.ts';
import { newId } from '../id.ts';
import { HookUses } from './hook-uses.ts';
import { Trigger } from './trigger.entity.ts';
import { sharedResources } from '../tenancy/shared-resources.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

async function hook(triggerCount: number): Promise<string> {
  const trigger = Trigger.create(
    { organisationId: newId('org'), workflowId: newId('wf'), enabled: true },
    { name: 'Hook', description: null, config: { kind: 'webhook' } as never, input: null },
  );
  const em = database.orm.em.fork();
  em.persist(Object.assign(trigger, { triggerCount }));
  await em.flush();
  return trigger.id;
}

const countOf = async (id: string): Promise<number> =>
  (await database.orm.em.fork().findOneOrFail(Trigger, { id })).triggerCount;

test('a hook that cannot be counted keeps no other from being counted, and is not tried for ever', async () => {
  const log = jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
  const batches = new RecordedBatches();
  const full = await hook(2_147_483_647);
  const others = [await hook(0), await hook(0), await hook(5)];
  const uses = new HookUses(database.orm, batches);
  for (const id of [full, ...others]) uses.add(id);
  await uses.beforeApplicationShutdown();
  expect(await Promise.all(others.map(countOf))).toEqual([1, 1, 6]);
  expect(batches.failures).toEqual(['hook_uses refused']);
  expect(sharedResources.batchers.get('hook_uses')!().items).toBe(0);
  expect(log).toHaveBeenCalledTimes(1);
  log.mockRestore();
});
