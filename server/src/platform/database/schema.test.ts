import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '../../../test/database.ts';
import { migrate } from './migrate.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

test('the migrations make exactly the schema that the entities describe', async () => {
  expect(await database.orm.schema.getUpdateSchemaSQL()).toBe('');
});

test('migrating twice does nothing the second time', async () => {
  expect(await migrate(database.orm, database.url)).toEqual([]);
});
