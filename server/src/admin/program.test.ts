import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startTestServer, type TestServer } from '../../test/app.ts';
import type { CommandResult } from '../../test/command.ts';
import { createTestDatabase } from '../../test/database.ts';
import type { AdminProcess } from './context.ts';
import { program } from './program.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

/** Runs a command in this process; `server/test/admin.test.ts` runs real ones. */
async function admin(args: readonly string[], stdin = '', url = server.database.url): Promise<CommandResult> {
  const result: CommandResult = { status: 0, stdout: '', stderr: '' };
  const process: AdminProcess = {
    env: { DATABASE_URL: url },
    stdin: Readable.from([stdin]),
    stdout: { write: (text) => (result.stdout += text) },
    stderr: { write: (text) => (result.stderr += text) },
    exitCode: 0,
  };
  await program(process).run(args);
  return { ...result, status: Number(process.exitCode) };
}

interface CreatedOrganisation {
  organisation: { id: string; plan: string };
  owner: { id: string; email: string };
  password: string;
  api_key: { secret: string };
}

interface List {
  data: { id: string }[];
  total_count: number;
}

/** The result of a command that must work. */
async function adminJson<T>(...args: string[]): Promise<T> {
  const { status, stdout, stderr } = await admin([...args, '--json']);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return JSON.parse(stdout) as T;
}

let number = 0;
function createOrganisation(...more: string[]): Promise<CreatedOrganisation> {
  number += 1;
  return adminJson(
    'organisation',
    'create',
    '--name',
    `Acme ${number}`,
    '--owner-email',
    `owner${number}@acme.example`,
    ...more,
  );
}

async function ask(path: string, key: string, body?: object): Promise<number> {
  const response = await fetch(`${server.url}${path}`, {
    method: body ? 'POST' : 'GET',
    headers: { 'x-api-key': key, 'content-type': 'application/json', 'idempotency-key': crypto.randomUUID() },
    ...(body && { body: JSON.stringify(body) }),
  });
  return response.status;
}

async function login(email: string, password: string): Promise<number> {
  const response = await fetch(`${server.url}/v1/auth/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email, password }),
  });
  return response.status;
}

describe('organisation', () => {
  test('is listed and shown, and its plan can be changed', async () => {
    const { organisation } = await createOrganisation();
    expect(organisation.plan).toBe('free');
    expect((await adminJson<List>('organisation', 'list')).data[0]).toEqual(organisation);
    await adminJson('organisation', 'set-plan', organisation.id, 'business');
    expect(await adminJson('organisation', 'show', organisation.id)).toEqual({
      ...organisation,
      plan: 'business',
      users: 1,
      active_api_keys: 1,
    });
  });

  test('of a long list a part is shown, which says so', async () => {
    await createOrganisation();
    const { stdout } = await admin(['organisation', 'list', '--per-page', '1']);
    expect(stdout).toMatch(
      /^id +plan +created +name\norg_\w+ +free +\S+ +Acme \d+\n\n1 to 1 of \d+; --page shows others\.\n$/,
    );
  });

  test('an address that is taken is refused, and nothing is made', async () => {
    const before = (await adminJson<List>('organisation', 'list')).total_count;
    const args = ['--name', 'Thief', '--owner-email', server.admin.email.toUpperCase(), '--json'];
    expect(await admin(['organisation', 'create', ...args])).toEqual({
      status: 1,
      stdout: '',
      stderr: `\nThere is an account with the address ${server.admin.email} already; addresses are unique over all organisations.\n\n`,
    });
    expect((await adminJson<List>('organisation', 'list')).total_count).toBe(before);
  });

  test('one that is not there is an error in words', async () => {
    for (const args of [
      ['show', 'org_1'],
      ['set-plan', 'org_1', 'pro'],
    ]) {
      const { status, stderr } = await admin(['organisation', ...args]);
      expect({ status, stderr }).toEqual({ status: 1, stderr: '\nThere is no organisation org_1.\n\n' });
    }
  });
});

describe('user', () => {
  test('is made with a role, signs in, and is listed', async () => {
    const { organisation } = await createOrganisation();
    const args = [
      '--organisation',
      organisation.id,
      '--email',
      'Grace@acme.example',
      '--name',
      'Grace',
      '--role',
      'viewer',
    ];
    const { user, password } = await adminJson<{ user: object; password: string }>('user', 'create', ...args);
    expect(user).toMatchObject({ organisation_id: organisation.id, email: 'grace@acme.example', role: 'viewer' });
    expect(await login('grace@acme.example', password)).toBe(200);
    const listed = await adminJson<List>('user', 'list', '--organisation', organisation.id);
    expect(listed.data).toHaveLength(2);
    expect(listed.data[0]).toEqual(user);
  });

  test('a new password works, the former one and the sessions made with it do not', async () => {
    const { owner, password } = await createOrganisation();
    const signedIn = await fetch(`${server.url}/v1/auth/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email: owner.email, password }),
    });
    const { data } = (await signedIn.json()) as { data: { access_token: string; refresh_token: string } };
    const set = await adminJson<{ password: string; ended_sessions: number }>('user', 'set-password', owner.email);
    expect(set.ended_sessions).toBe(1);
    expect(await login(owner.email, password)).toBe(401);
    expect(await login(owner.email, set.password)).toBe(200);
    const me = { headers: { authorization: `Bearer ${data.access_token}` } };
    expect((await fetch(`${server.url}/v1/auth/me`, me)).status).toBe(401);
    const refreshed = await fetch(`${server.url}/v1/auth/refresh`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ refresh_token: data.refresh_token }),
    });
    expect(refreshed.status).toBe(401);
  });

  test('a link sets a new password once, at the public address, and lets in who was locked out', async () => {
    const { owner } = await createOrganisation();
    for (let i = 0; i < 11; i++) await login(owner.email, 'wrong');
    expect(await login(owner.email, 'wrong')).toBe(429);
    const made = await adminJson<{ link: string; expires_at: string }>('user', 'reset-password', owner.email);
    const { origin, pathname, hash } = new URL(made.link);
    expect({ origin, pathname }).toEqual({ origin: 'http://localhost:3000', pathname: '/reset-password' });
    expect(Date.parse(made.expires_at)).toBeGreaterThan(Date.now());
    const confirm = async (): Promise<number> => {
      const response = await fetch(`${server.url}/v1/auth/password-reset/confirm`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ token: hash.slice(1), password: 'correct horse battery' }),
      });
      return response.status;
    };
    expect([await confirm(), await confirm()]).toEqual([204, 401]);
    expect(await login(owner.email, 'correct horse battery')).toBe(200);
  });

  test('a password that the operator sets lets in who was locked out', async () => {
    const { owner } = await createOrganisation();
    for (let i = 0; i < 11; i++) await login(owner.email, 'wrong');
    const { password } = await adminJson<{ password: string }>('user', 'set-password', owner.email);
    expect(await login(owner.email, password)).toBe(200);
  });

  test('a link is not shown where the output is no terminal, exit 2', async () => {
    const { owner } = await createOrganisation();
    const { status, stdout } = await admin(['user', 'reset-password', owner.email]);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  });

  test('a password from standard input is taken and not repeated', async () => {
    const { owner } = await createOrganisation();
    const set = await admin(['user', 'set-password', owner.id, '--password-stdin'], 'correct horse battery\n');
    expect(set.status).toBe(0);
    expect(set.stdout + set.stderr).not.toContain('correct horse');
    expect(await login(owner.email, 'correct horse battery')).toBe(200);
  });

  test('a password that is too short is refused, and not repeated', async () => {
    const { owner, password } = await createOrganisation();
    const { status, stdout, stderr } = await admin(['user', 'set-password', owner.id, '--password-stdin'], 'hunter2');
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toBe('\nThe password on standard input is shorter than 12 characters.\n\n');
    expect(await login(owner.email, password)).toBe(200);
  });

  test('a new role counts at the next request; the last owner stays owner', async () => {
    const { organisation, owner, password } = await createOrganisation();
    const refused = await admin(['user', 'set-role', owner.email, 'viewer']);
    expect(refused).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('is the only owner of the organisation'),
    });
    const args = ['--organisation', organisation.id, '--email', `second${number}@acme.example`, '--name', 'Second'];
    await adminJson('user', 'create', ...args, '--role', 'owner');
    expect(await adminJson('user', 'set-role', owner.email, 'viewer')).toMatchObject({ role: 'viewer' });
    const signedIn = await fetch(`${server.url}/v1/auth/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email: owner.email, password }),
    });
    expect(((await signedIn.json()) as { data: { user: { role: string } } }).data.user.role).toBe('viewer');
  });
});

describe('key', () => {
  test('is made with what it may do, and revoked', async () => {
    const { organisation } = await createOrganisation();
    const args = ['--organisation', organisation.id, '--name', 'Reader', '--grants', 'read-only,workflows:execute'];
    const key = await adminJson<{ id: string; secret: string; scopes: string[] }>(
      'key',
      'create',
      ...args,
      '--expires-at',
      '2100-01-01T00:00:00+01:00',
    );
    expect(key).toMatchObject({ bundles: ['read-only'], expires_at: '2099-12-31T23:00:00.000Z', created_by: null });
    expect(key.scopes).toContain('workflows:execute');
    expect(await ask('/v1/workflows', key.secret)).toBe(200);
    expect(await ask('/v1/groups', key.secret, { name: 'No' })).toBe(403);
    await adminJson('key', 'revoke', key.id);
    expect(await ask('/v1/workflows', key.secret)).toBe(401);
    const revoked = await adminJson<List>('key', 'list', '--organisation', organisation.id, '--status', 'revoked');
    expect(revoked.data.map(({ id }) => id)).toEqual([key.id]);
    expect(JSON.stringify(revoked)).not.toContain(key.secret);
  });

  test.each([
    [['--grants', 'everything'], 'everything is none of workflows:read'],
    [['--grants', 'read-only', '--expires-at', 'tomorrow'], 'is not a time such as'],
    [['--grants', 'read-only', '--name', ' '], 'It is empty.'],
    [[], "required option '--grants <list>' not specified"],
  ])('%j are wrong arguments, exit 2', async (args, message) => {
    const { status, stdout, stderr } = await admin([
      'key',
      'create',
      '--organisation',
      'org_1',
      '--name',
      'A',
      ...args,
    ]);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain(message);
  });

  test('one that expires in the past is refused', async () => {
    const { organisation } = await createOrganisation();
    const args = ['--organisation', organisation.id, '--name', 'Late', '--grants', 'read-only', '--json'];
    const { status, stderr } = await admin(['key', 'create', ...args, '--expires-at', '2001-01-01T00:00:00Z']);
    expect({ status, stderr }).toEqual({ status: 1, stderr: '\nThe expiry of the key is in the past.\n\n' });
  });
});

describe('secrets are shown to a person at a terminal, or in JSON', () => {
  test('where the output goes elsewhere nothing is made, exit 2', async () => {
    const { organisation } = await createOrganisation();
    const before = await adminJson('organisation', 'show', organisation.id);
    for (const args of [
      ['organisation', 'create', '--name', 'Log', '--owner-email', 'owner@log.example'],
      ['user', 'create', '--organisation', organisation.id, '--email', 'user@log.example', '--name', 'Log'],
      ['user', 'set-password', organisation.id],
      ['key', 'create', '--organisation', organisation.id, '--name', 'Log', '--grants', 'read-only'],
    ]) {
      const { status, stdout, stderr } = await admin(args);
      expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
      expect(stderr).toContain('standard output is not a terminal. Nothing was changed.');
    }
    expect(await adminJson('organisation', 'show', organisation.id)).toEqual(before);
  });
});

describe('the command', () => {
  test.each([
    [['--help'], 'Usage: npm run admin --'],
    [['organisation', '--help'], 'create'],
    [['key', 'create', '--help'], '--expires-at <time>'],
  ])('%j explains, exit 0', async (args, text) => {
    const { status, stdout } = await admin(args);
    expect(status).toBe(0);
    expect(stdout).toContain(text);
  });

  test.each([
    [[], 'Usage:'],
    [['organisation', 'destroy'], "unknown command 'destroy'"],
    [['organisation', 'set-plan', 'org_1', 'gold'], 'Allowed choices are free, starter, pro, business'],
    [['user', 'list', '--colour'], "unknown option '--colour'"],
    [['user', 'list', '--per-page', '0'], 'is not a whole number above 0'],
  ])('%j are wrong arguments, exit 2', async (args, message) => {
    const { status, stdout, stderr } = await admin(args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain(message);
  });

  test('a schema of another version is left alone', async () => {
    const database = await createTestDatabase();
    try {
      await database.orm.em.fork().execute(`insert into migration (name) values ('Migration29990101000000_future')`);
      const newer = await admin(['organisation', 'list'], '', database.url);
      expect(newer).toMatchObject({ status: 1, stderr: expect.stringContaining('A newer version of Flowpact') });
      await database.orm.em.fork().execute(`delete from migration where name <> 'Migration20261122000100_identity'`);
      const older = await admin(['organisation', 'list'], '', database.url);
      expect(older).toMatchObject({
        status: 1,
        stderr: expect.stringMatching(/an older version .*\n\nStart the server/),
      });
    } finally {
      await database.drop();
    }
  });
});
