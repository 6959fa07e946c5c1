import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '../../../test/database.ts';
import { loggedError } from './logged-error.ts';
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

describe('what PostgreSQL quotes', () => {
  const quoting = (more: object): Error => Object.assign(new Error('refused: row one'), more);
  const logged = (error: unknown): Record<string, unknown> => loggedError(error) as Record<string, unknown>;

  test.each(['detail', 'where'])('in %s is hidden there and wherever it is repeated, also in causes', (name) => {
    const cause = Object.assign(new Error('again: row one'), { deeper: 'row one' });
    const error = Object.assign(quoting({ [name]: 'row one', query: 'insert' }), { cause });
    const seen = logged(error);
    expect(JSON.stringify(seen)).not.toContain('row one');
    expect(seen).toMatchObject({ [name]: '[hidden]', query: 'insert' });
    expect(String(seen['message'])).toContain('refused: [hidden]');
  });

  test('is hidden in an error that another one holds, and nothing else is', () => {
    const inner = quoting({ detail: 'row two' });
    const seen = logged(Object.assign(new Error('outer: row two'), { inner, plain: { detail: 'stays' }, count: 1 }));
    expect(seen).toMatchObject({ inner: { detail: '[hidden]' }, plain: { detail: 'stays' }, count: 1 });
  });

  test('is nothing where it is empty or no text', () => {
    expect(logged(quoting({ detail: '', where: 5 }))).toMatchObject({
      detail: '',
      where: 5,
      message: 'refused: row one',
    });
  });

  test('of errors that hold each other is hidden, and the log goes on', () => {
    const [one, other] = [quoting({ detail: 'row one' }), new Error('other: row one')];
    Object.assign(one, { other });
    Object.assign(other, { one });
    expect(String(logged(one)['message'])).toBe('refused: [hidden]');
  });

  test('what is no error is logged as it is', () => {
    for (const value of ['text', 5, null, undefined]) expect(loggedError(value)).toBe(value);
  });
});
