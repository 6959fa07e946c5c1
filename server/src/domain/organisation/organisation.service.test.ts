import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '../../../test/database.ts';
import { createOrm } from '../../platform/database/orm.ts';
import { cheapPasswords } from '../../../test/cheap-passwords.ts';
import { User } from '../user/user.entity.ts';
import { ApiKey } from '../api-key/api-key.entity.ts';
import { Organisation } from './organisation.entity.ts';
import { OrganisationService } from './organisation.service.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

test('of servers that start together one makes the first organisation', async () => {
  const passwords = cheapPasswords();
  const other = await createOrm({ url: database.url });
  const services = [database.orm, other, database.orm, other].map(({ em }) => new OrganisationService(em, passwords));
  const results = await Promise.all(services.map((service) => service.bootstrap({ adminEmail: ' Ada@Example.com' })));
  await other.close();

  const made = results.filter((result) => result !== undefined);
  expect(made).toHaveLength(1);
  expect(made[0]!.admin).toMatchObject({ email: 'ada@example.com', role: 'owner' });
  expect(made[0]!.organisation.plan).toBe('business');
  const em = database.orm.em.fork();
  expect([await em.count(Organisation), await em.count(User), await em.count(ApiKey)]).toEqual([1, 1, 1]);
  expect(await services[0]!.bootstrap()).toBeUndefined();
});
