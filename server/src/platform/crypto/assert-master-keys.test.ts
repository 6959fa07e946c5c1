import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '../../../test/database.ts';
import { assertMasterKeys } from './assert-master-keys.ts';

const first = { id: 'first', key: Buffer.alloc(32, 1) };
const second = { id: 'second', key: Buffer.alloc(32, 2) };

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

const start = (...keys: (typeof first)[]): Promise<void> => assertMasterKeys(database.orm, keys);

test('a server starts with every key that the database knows, and not without one of them', async () => {
  await start(first);
  await start(first);
  await start(second, first);
  await expect(start(second)).rejects.toThrow('with the master key first, which is not configured');
  await expect(start(first)).rejects.toThrow('with the master key second, which is not configured');
});

test('another key of the same id is refused', async () => {
  await expect(start({ ...second, key: first.key }, first)).rejects.toThrow('The master key second is not the one');
});
