import { afterAll, afterEach, beforeAll, expect, jest, test } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '../../../test/database.ts';
import { OrganisationPlans } from './organisation-plans.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
  await database.orm.em
    .getConnection()
    .execute(
      `insert into organisation (id, name, plan, created_at, updated_at) values ('o1', 'One', 'pro', now(), now())`,
    );
});
afterAll(() => database.drop());
afterEach(() => {
  jest.restoreAllMocks();
});

test('a plan is read once for many who ask, and again after five seconds', async () => {
  const plans = new OrganisationPlans(database.orm);
  const reads = jest.spyOn(database.orm.em, 'getConnection');
  expect(await Promise.all([plans.planOf('o1'), plans.planOf('o1')])).toEqual(['pro', 'pro']);
  expect(reads).toHaveBeenCalledTimes(1);
  await database.orm.em.getConnection().execute(`update organisation set plan = 'starter' where id = 'o1'`);
  const now = Date.now();
  jest.spyOn(Date, 'now').mockReturnValue(now + 5_001);
  expect(await plans.planOf('o1')).toBe('starter');
});

test('an organisation that is gone has the smallest plan', async () => {
  expect(await new OrganisationPlans(database.orm).planOf('nobody')).toBe('free');
});

test('what could not be read is asked for again', async () => {
  const plans = new OrganisationPlans(database.orm);
  jest.spyOn(database.orm.em, 'getConnection').mockImplementationOnce(() => {
    throw new Error('no connection');
  });
  await expect(plans.planOf('o1')).rejects.toThrow('no connection');
  expect(await plans.planOf('o1')).toBe('starter');
});
