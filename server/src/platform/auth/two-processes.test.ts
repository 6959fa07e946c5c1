import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '../../../test/database.ts';
import { ServerProcess } from '../../../test/server-process.ts';
import { OrganisationService, type CreatedOrganisation } from '../../domain/organisation/organisation.service.ts';
import { cheapPasswords } from '../../../test/cheap-passwords.ts';

let database: TestDatabase;
let dataDir: string;
let processes: ServerProcess[];
let urls: string[];
let free: CreatedOrganisation;

beforeAll(async () => {
  database = await createTestDatabase();
  dataDir = mkdtempSync(join(tmpdir(), 'flowpact-test-processes-'));
  const environment = {
    DATABASE_URL: database.url,
    FLOWPACT_DATA_DIR: dataDir,
    AUTH_SECRET: 'a secret that both processes share',
  };
  processes = [new ServerProcess(environment), new ServerProcess(environment)];
  urls = await Promise.all(processes.map((each) => each.ready()));
  const organisations = new OrganisationService(database.orm.em, cheapPasswords());
  free = await organisations.create({ adminEmail: 'free@example.com', plan: 'free' });
});
afterAll(async () => {
  await Promise.all(processes.map((each) => each.end()));
  await database.drop();
  rmSync(dataDir, { recursive: true, force: true });
});

function call(
  server: number,
  method: string,
  path: string,
  headers: Record<string, string>,
  body?: object,
): Promise<Response> {
  const type = body ? { 'content-type': 'application/json' } : {};
  return fetch(urls[server]! + path, { method, headers: { ...type, ...headers }, body: JSON.stringify(body) });
}

test('of two that start on an empty database one makes the first organisation and prints its key', () => {
  expect(processes.filter(({ stdout }) => stdout.includes('fp_live_'))).toHaveLength(1);
});

test('429: both together let through what the plan allows, and no more', async () => {
  const minute = (): number => Math.floor(Date.now() / 60_000);
  const before = minute();
  const key = { 'x-api-key': free.apiKeySecret };
  const answers = await Promise.all(Array.from({ length: 90 }, (_, i) => call(i % 2, 'GET', '/v1/auth/me', key)));
  const allowed = answers.filter(({ status }) => status === 200).length;
  // A minute that ended in between began a new window.
  expect(allowed).toBe(before === minute() ? 60 : allowed);
  expect(answers.every(({ status }) => status === 200 || status === 429)).toBe(true);
});

/** The test before has used up what the plan allows the organisation. */
beforeEach(() => database.orm.em.getConnection().execute('delete from request_count'));

test('201 or 409: of twins that reach different processes one has an effect', async () => {
  const first = await login(0);
  const headers = { authorization: `Bearer ${first.access_token}`, 'idempotency-key': 'twins' };
  const body = { name: 'twin', scopes: ['workflows:read'] };
  const answers = await Promise.all(
    Array.from({ length: 8 }, (_, i) => call(i % 2, 'POST', '/v1/api-keys', headers, body)),
  );
  expect(answers.every(({ status }) => status === 201 || status === 409)).toBe(true);
  const made = answers.filter(({ status, headers }) => status === 201 && !headers.has('idempotent-replayed'));
  expect(made).toHaveLength(1);
  const rows = await database.orm.em.fork().execute(`select 1 from api_key where name = 'twin'`);
  expect(rows).toHaveLength(1);
});

test('401: a session that ends in one has ended in the other', async () => {
  const { access_token: token } = await login(0);
  const headers = { authorization: `Bearer ${token}` };
  expect((await call(1, 'GET', '/v1/auth/me', headers)).status).toBe(200);
  expect((await call(0, 'POST', '/v1/auth/logout', headers)).status).toBe(204);
  expect((await call(1, 'GET', '/v1/auth/me', headers)).status).toBe(401);
});

async function login(server: number): Promise<{ access_token: string }> {
  const { email } = free.admin;
  const answer = await call(server, 'POST', '/v1/auth/login', {}, { email, password: free.adminPassword });
  return ((await answer.json()) as { data: { access_token: string } }).data;
}
