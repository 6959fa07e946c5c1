import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startTestServer, type TestServer } from './app.ts';
import { runCommand, type CommandOptions, type CommandResult } from './command.ts';
import { ServerProcess } from './server-process.ts';

// Each command is a process that loads the whole server.
let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
  // The first command compiles what has changed.
  await runCommand('admin.cjs', ['--help']);
});
afterAll(() => server.close());

function admin(args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  return runCommand('admin.cjs', args, { ...options, env: { DATABASE_URL: server.database.url, ...options.env } });
}

async function login(email: string, password: string): Promise<number> {
  const response = await fetch(`${server.url}/v1/auth/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email, password }),
  });
  return response.status;
}

interface Answer {
  status: number;
  data: { id: string; status: string };
}

async function ask(path: string, key: string, body?: object): Promise<Answer> {
  const response = await fetch(`${server.url}${path}`, {
    method: body ? 'POST' : 'GET',
    headers: { 'x-api-key': key, 'content-type': 'application/json', 'idempotency-key': crypto.randomUUID() },
    ...(body && { body: JSON.stringify(body) }),
  });
  return { status: response.status, data: ((await response.json()) as { data: Answer['data'] }).data };
}

const creation = (name: string): string[] => [
  'organisation',
  'create',
  '--name',
  name,
  '--owner-email',
  `owner@${name}.example`,
];

test('a second organisation works at once beside the first, and neither sees what the other has', async () => {
  const { status, stdout, stderr } = await admin([...creation('acme'), '--plan', 'pro', '--json']);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  const made = JSON.parse(stdout) as { api_key: { secret: string }; owner: { email: string }; password: string };
  const key = made.api_key.secret;
  expect(await login(made.owner.email, made.password)).toBe(200);

  const definition = { nodes: [{ id: 'answer', type: 'set', params: { values: { n: 42 } } }], edges: [] };
  const workflow = await ask('/v1/workflows', key, { name: 'Answer', definition });
  expect(workflow.status).toBe(201);
  const path = `/v1/workflows/${workflow.data.id}`;
  expect((await ask(`${path}/publish`, key, {})).status).toBe(201);
  const run = await ask(`${path}/execute?wait=20s`, key, { input: {} });
  expect(run.data).toMatchObject({ status: 'completed' });

  expect((await ask(path, server.admin.apiKey)).status).toBe(404);
  expect((await ask(`/v1/executions/${run.data.id}`, server.admin.apiKey)).status).toBe(404);
  expect((await ask('/v1/workflows', server.admin.apiKey)).data).toEqual([]);
});

test('at a terminal secrets are shown', async () => {
  const { status, stdout } = await admin(creation('terminal'), { terminal: true });
  expect(status).toBe(0);
  const key = /API key +(fp_live_\w+)/.exec(stdout)?.[1] ?? '';
  expect((await ask('/v1/workflows', key)).status).toBe(200);
  expect(await login('owner@terminal.example', /Password +(\w+)/.exec(stdout)?.[1] ?? '')).toBe(200);
});

test('where the output goes into a pipe, secrets are neither made nor shown, exit 2', async () => {
  const { status, stdout, stderr } = await admin(creation('pipe'));
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr).toContain('standard output is not a terminal. Nothing was changed.');
  expect((await admin(['user', 'set-password', 'owner@pipe.example', '--json'])).status).toBe(1);
});

test('a password from standard input is taken and not repeated', async () => {
  const { email } = server.admin;
  const set = await admin(['user', 'set-password', email, '--password-stdin'], { stdin: 'correct horse battery\n' });
  expect(set.status).toBe(0);
  expect(set.stdout + set.stderr).not.toContain('correct horse');
  expect(await login(email, 'correct horse battery')).toBe(200);
});

test('wrong arguments, exit 2', async () => {
  const { status, stdout, stderr } = await admin(['organisation', 'destroy']);
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr).toContain("unknown command 'destroy'");
});

test('what is not there is said in words, exit 1', async () => {
  const { status, stdout, stderr } = await admin(['organisation', 'show', 'org_1', '--json']);
  expect({ status, stdout, stderr }).toEqual({
    status: 1,
    stdout: '',
    stderr: '\nThere is no organisation org_1.\n\n',
  });
});

test('a database that cannot be reached is said in words, without the password', async () => {
  const env = { DATABASE_URL: 'postgresql://me:hunter2@127.0.0.1:1/flowpact' };
  const { status, stderr } = await admin(['organisation', 'list'], { env });
  expect(status).toBe(1);
  expect(stderr).toContain('Start that PostgreSQL server, or correct the host and port.');
  expect(stderr).not.toMatch(/hunter2|\n {4}at /);
});

test('the embedded database: works before the first start, while the server runs, and after it', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'flowpact-admin-'));
  chmodSync(dataDir, 0o755);
  const embedded = (args: readonly string[]): Promise<CommandResult> =>
    admin([...args, '--json'], { env: { DATABASE_URL: '', FLOWPACT_DATA_DIR: dataDir } });
  const before = await embedded(creation('before'));
  expect(before).toMatchObject({ status: 0, stderr: '' });
  const running = new ServerProcess({ FLOWPACT_DATA_DIR: dataDir });
  try {
    const url = await running.ready();
    expect(running.stdout).not.toContain('First start');
    const during = await embedded(creation('during'));
    expect(during).toMatchObject({ status: 0, stderr: '' });
    for (const { stdout } of [before, during]) {
      const { secret } = (JSON.parse(stdout) as { api_key: { secret: string } }).api_key;
      expect((await fetch(`${url}/v1/workflows`, { headers: { 'x-api-key': secret } })).status).toBe(200);
    }
    await running.end();
    const { data } = JSON.parse((await embedded(['organisation', 'list'])).stdout) as { data: { name: string }[] };
    expect(data.map(({ name }) => name)).toEqual(['during', 'before']);
  } finally {
    await running.end();
    rmSync(dataDir, { recursive: true, force: true });
  }
});
