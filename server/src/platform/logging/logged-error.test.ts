import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '../../../test/database.ts';
import { createLogger } from './logger.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

async function logged(sql: string, wrap = (error: unknown) => error): Promise<string> {
  const lines: string[] = [];
  const logger = createLogger({ LOG_LEVEL: 'info', LOG_FORMAT: 'json' }, { write: (line) => void lines.push(line) });
  await database.orm.em
    .fork()
    .execute(sql)
    .catch((err: unknown) => logger.error({ err: wrap(err) }, 'failed'));
  return lines.join('');
}

const refusedRow = `insert into organisation (id, name, plan, created_at, updated_at) values ('org_1', 'Confidential', 'none', now(), now())`;

test('a row that the database refuses is not logged', async () => {
  const line = await logged(refusedRow);
  expect(line).toContain('organisation_plan_check');
  expect(line).not.toContain('Confidential');
});

test('nor when the error is the cause of another', async () => {
  const line = await logged(refusedRow, (cause) => new Error('It failed.', { cause }));
  expect(line).toContain('organisation_plan_check');
  expect(line).not.toContain('Confidential');
});

test('text that does not parse as JSON is not logged', async () => {
  expect(await logged(`select '{"a": Confidential}'::jsonb`)).not.toContain('Confidential');
});
