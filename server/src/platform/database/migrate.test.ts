import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '../../../test/database.ts';
import { ServerProcess } from '../../../test/server-process.ts';
import { migrate } from './migrate.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
  await database.orm.em
    .getConnection()
    .execute(`insert into migration (name, executed_at) values ('Migration20990101000000_later', now())`);
});
afterAll(() => database.drop());

test('a database that a newer version has changed is left alone', async () => {
  await expect(migrate(database.orm, database.url)).rejects.toMatchObject({
    message: expect.stringContaining('Migration20990101000000_later'),
    remedy: expect.stringContaining('Start the version that last used this database'),
  });
});

test('the server does not start there, and says what to do', async () => {
  const server = new ServerProcess({ DATABASE_URL: database.url });
  expect(await server.exited).toBe(1);
  expect(server.stderr).toContain('newer version of Flowpact');
  expect(server.stderr).toContain('restore a backup');
});
