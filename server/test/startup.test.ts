import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { isAlive } from '../src/platform/database/postmaster.ts';
import { createTestDatabase, type TestDatabase } from './database.ts';
import { ServerProcess } from './server-process.ts';
import { until } from './until.ts';

let dataDir: string;
let database: TestDatabase | undefined;
const servers: ServerProcess[] = [];

// The first start compiles what has changed.
beforeAll(() => start({ PORT: 'none' }).exited, 120_000);

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'flowpact-startup-'));
  chmodSync(dataDir, 0o755);
});

afterEach(async () => {
  for (const server of servers.splice(0)) await server.end();
  await database?.drop();
  database = undefined;
  rmSync(dataDir, { recursive: true, force: true });
});

function start(environment: Record<string, string> = {}): ServerProcess {
  const server = new ServerProcess({ FLOWPACT_DATA_DIR: dataDir ?? '.', SHUTDOWN_TIMEOUT: '3', ...environment });
  servers.push(server);
  return server;
}

async function startOnOwnDatabase(
  environment: Record<string, string> = {},
): Promise<{ server: ServerProcess; url: string }> {
  database = await createTestDatabase();
  const server = start({ DATABASE_URL: database.url, ...environment });
  return { server, url: await server.ready() };
}

function postmaster(): number {
  return Number(readFileSync(join(dataDir, 'postgres', 'postmaster.pid'), 'utf8').split('\n')[0]);
}

function printedKey(server: ServerProcess): string {
  return /API key +(fp_live_\w+)/.exec(server.stdout)?.[1] ?? '';
}

function listApiKeys(url: string, key: string): Promise<Response> {
  return fetch(`${url}/v1/api-keys`, { headers: { 'x-api-key': key } });
}

describe('with the embedded database', () => {
  test('the first start prints a key that works; the second prints none and has the same data', async () => {
    const first = start();
    const url = await first.ready();
    const key = printedKey(first);
    expect(first.stdout).toContain(`${url}/docs`);
    expect(first.stdout).toContain(`curl -H 'X-API-Key: ${key}' ${url}/v1/workflows`);
    expect(first.stdout).toMatch(/Email +admin@flowpact\.local/);
    expect((await listApiKeys(url, key)).status).toBe(200);
    const postgres = postmaster();
    first.signal('SIGTERM');
    expect(await first.exited).toBe(0);
    expect(isAlive(postgres)).toBe(false);

    const second = start();
    expect((await listApiKeys(await second.ready(), key)).status).toBe(200);
    expect(second.stdout).not.toContain('fp_live_');
    expect(first.stderr + second.stderr).not.toContain(key);
  });

  test('below a folder that only this user may enter: starts, names the folder with the data, takes it the next time', async () => {
    chmodSync(dataDir, 0o700);
    const FLOWPACT_DATA_DIR = join(dataDir, 'data');
    const first = start({ FLOWPACT_DATA_DIR });
    await first.ready();
    const store = /data in (\S+?)( and |\))/.exec(first.stdout)?.[1] ?? '';
    try {
      expect(existsSync(join(store, 'postgres', 'PG_VERSION'))).toBe(true);
      const key = printedKey(first);
      await first.end();
      const second = start({ FLOWPACT_DATA_DIR });
      expect((await listApiKeys(await second.ready(), key)).status).toBe(200);
      expect(second.stdout).not.toContain('fp_live_');
      await second.end();
    } finally {
      await first.end();
      rmSync(store, { recursive: true, force: true });
    }
  });

  test('after a kill -9 the next start takes the orphaned PostgreSQL and its data over', async () => {
    const killed = start();
    await killed.ready();
    const key = printedKey(killed);
    const orphan = postmaster();
    killed.signal('SIGKILL');
    expect(await killed.exited).toBe('SIGKILL');
    expect(isAlive(orphan)).toBe(true);
    const heir = start();
    expect((await listApiKeys(await heir.ready(), key)).status).toBe(200);
    expect(isAlive(orphan)).toBe(false);
  });

  test('a data folder that cannot be written: says so, exit 1', async () => {
    writeFileSync(join(dataDir, 'file'), '');
    const server = start({ FLOWPACT_DATA_DIR: join(dataDir, 'file', 'data') });
    expect(await server.exited).toBe(1);
    expect(server.stderr).toContain(`The data folder ${join(dataDir, 'file', 'data')} cannot be written`);
    expect(server.stderr).not.toContain('    at ');
  });

  test('a second server on the same data folder: says who has it, exit 1', async () => {
    const first = start();
    await first.ready();
    const second = start();
    expect(await second.exited).toBe(1);
    expect(second.stderr).toMatch(/Another Flowpact server \(process \d+\) uses the data folder/);
  });
});

describe('the secrets of the first start', () => {
  /** What a shell that reads the file has then. */
  function sourced(file: string): Record<string, string> {
    const script = '. "$1" && printf "%s\\n" "$FLOWPACT_EMAIL" "$FLOWPACT_PASSWORD" "$FLOWPACT_API_KEY"';
    const { stdout } = spawnSync('sh', ['-c', script, 'sh', file], { encoding: 'utf8' });
    const [email, password, apiKey] = stdout.split('\n') as [string, string, string];
    return { email, password, apiKey };
  }

  test('are printed on a terminal, and kept in no file', async () => {
    database = await createTestDatabase();
    const environment = { DATABASE_URL: database.url, FLOWPACT_FIRST_KEY: '', FLOWPACT_DATA_DIR: dataDir };
    const server = new ServerProcess(environment, { terminal: true });
    servers.push(server);
    const url = await server.ready();
    expect((await listApiKeys(url, printedKey(server))).status).toBe(200);
    expect(readdirSync(dataDir)).not.toContain('first-start.env');
  });

  test('go to a file of this user where the output is a log, which names the file', async () => {
    const FLOWPACT_ADMIN_EMAIL = "o'brien@example.com";
    const { server, url } = await startOnOwnDatabase({ FLOWPACT_FIRST_KEY: '', FLOWPACT_ADMIN_EMAIL });
    const file = join(dataDir, 'first-start.env');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const { email, password, apiKey } = sourced(file);
    expect(email).toBe(FLOWPACT_ADMIN_EMAIL);
    expect((await listApiKeys(url, apiKey!)).status).toBe(200);
    const login = await fetch(`${url}/v1/auth/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email, password }),
    });
    expect(login.status).toBe(200);
    expect(server.stdout).toContain(file);
    expect(server.stderr).toContain(file);
    expect(server.stdout + server.stderr).not.toMatch(new RegExp(`${apiKey}|${password}|fp_live_`));
  });

  test('that cannot be kept are not made: says so, exit 1, and the next start makes them', async () => {
    database = await createTestDatabase();
    const blocked = join(dataDir, 'file');
    writeFileSync(blocked, '');
    const environment = { DATABASE_URL: database.url, AUTH_SECRET: 'a'.repeat(32) };
    const failed = start({ ...environment, FLOWPACT_FIRST_KEY: 'file', FLOWPACT_DATA_DIR: join(blocked, 'data') });
    expect(await failed.exited).toBe(1);
    expect(failed.stderr).toContain(`The data folder ${join(blocked, 'data')} cannot be written`);
    const next = start(environment);
    expect((await listApiKeys(await next.ready(), printedKey(next))).status).toBe(200);
  });
});

describe('what is wrong is said in one message, exit 1', () => {
  test('a used port', async () => {
    const other = createServer();
    await new Promise<void>((done) => other.listen(0, '127.0.0.1', done));
    const { port } = other.address() as { port: number };
    const server = start({ PORT: String(port) });
    expect(await server.exited).toBe(1);
    expect(server.stderr).toContain(`Port ${port} is in use by another program.`);
    expect(readdirSync(dataDir)).toEqual([]);
    await new Promise((done) => other.close(done));
  });

  test('wrong variables, all of them', async () => {
    const server = start({ PORT: 'http', LOG_LEVEL: 'loud' });
    expect(await server.exited).toBe(1);
    expect(server.stderr).toContain('PORT is not a whole number');
    expect(server.stderr).toContain('LOG_LEVEL is not one of');
  });

  test.each([
    [
      'nobody listens',
      'postgresql://me:hunter2@127.0.0.1:1/flowpact',
      /ECONNREFUSED.*\n\nStart that PostgreSQL server/,
    ],
    [
      'no such host',
      'postgresql://me:hunter2@no-such-host.invalid/flowpact',
      /no-such-host\.invalid.*\n\nCorrect the host name/,
    ],
  ])('a DATABASE_URL where %s', async (_what, DATABASE_URL, message) => {
    const server = start({ DATABASE_URL });
    expect(await server.exited).toBe(1);
    expect(server.stderr).toMatch(message);
    expect(server.stderr).not.toContain('hunter2');
  });

  test.each([
    ['password', (url: URL) => (url.password = 'hunter2'), 'Correct the user name and the password'],
    ['database', (url: URL) => (url.pathname = '/missing'), 'Create that database'],
  ])('a DATABASE_URL with a wrong %s', async (_what, spoil, message) => {
    const url = new URL(String(process.env.FLOWPACT_TEST_POSTGRES_URL));
    spoil(url);
    const server = start({ DATABASE_URL: url.href });
    expect(await server.exited).toBe(1);
    expect(server.stderr).toContain(message);
  });

  test('an old Node', () => {
    const pretend = "Object.defineProperty(process, 'versions', { value: { node: '18.20.0' } })";
    const file = new URL('../start.cjs', import.meta.url).pathname;
    const { status, stderr } = spawnSync(process.execPath, ['-e', `${pretend}; require(${JSON.stringify(file)})`], {
      encoding: 'utf8',
    });
    expect(status).toBe(1);
    expect(stderr).toContain('Flowpact needs Node 24 or newer; this is Node 18.20.0');
  });
});

test('with a collector, a request is a span that continues the trace of the client, and its queries are children', async () => {
  const names: string[] = [];
  const collector = createHttpServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { resourceSpans } = JSON.parse(String(Buffer.concat(chunks))) as {
        resourceSpans: { scopeSpans: { spans: { name: string; traceId: string; parentSpanId?: string }[] }[] }[];
      };
      const spans = resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans));
      for (const span of spans)
        if (span.traceId === '0af7651916cd43dd8448eb211c80319c') names.push(span.name, `under ${span.parentSpanId}`);
      response.end('{}');
    });
  });
  await new Promise<void>((done) => collector.listen(0, '127.0.0.1', done));
  const { port } = collector.address() as { port: number };
  const { server, url } = await startOnOwnDatabase({ OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}` });
  await fetch(`${url}/v1/api-keys`, {
    headers: {
      'x-api-key': printedKey(server),
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    },
  });
  await server.end();
  expect(names).toContain('GET /v1/api-keys');
  expect(names).toContain('under b7ad6b7169203331');
  expect(names).toContainEqual(expect.stringMatching(/^pg\.query:SELECT/));
  await new Promise((done) => collector.close(done));
});

describe('stopping', () => {
  /** A request whose second half has not been sent yet. */
  async function halfARequest(url: string): Promise<{ socket: Socket; answer: Promise<string>; finish(): void }> {
    const body = JSON.stringify({ email: 'nobody@example.com', password: 'not the password' });
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    const answer = new Promise<string>((done) => {
      let text = '';
      socket.on('data', (chunk) => (text += String(chunk)));
      socket.on('error', () => undefined);
      socket.on('close', () => done(text));
    });
    socket.write(
      `POST /v1/auth/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body.slice(0, 10)}`,
    );
    await sleep(200);
    return { socket, answer, finish: () => socket.write(body.slice(10)) };
  }

  test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    'on %s a request in progress is answered, new connections are refused, exit 0',
    async (name) => {
      const { server, url } = await startOnOwnDatabase();
      const request = await halfARequest(url);
      server.signal(name);
      await until(() =>
        fetch(`${url}/health/live`).then(
          () => false,
          () => true,
        ),
      );
      request.finish();
      expect(await request.answer).toContain('HTTP/1.1 401');
      expect(await server.exited).toBe(0);
    },
    30_000,
  );

  test('a second Ctrl-C stops at once, exit 1; two within one keystroke are one', async () => {
    const { server, url } = await startOnOwnDatabase();
    const request = await halfARequest(url);
    server.signal('SIGINT');
    server.signal('SIGINT');
    await sleep(800);
    expect(server.stderr).not.toContain('at once by a second signal');
    server.signal('SIGINT');
    expect(await server.exited).toBe(1);
    request.socket.destroy();
  });

  test('connections that clients opened ahead of need do not keep it from stopping', async () => {
    // Were it to wait for them, the deadline would outlast the test.
    const { server, url } = await startOnOwnDatabase({ SHUTDOWN_TIMEOUT: '60' });
    const idle = connect(Number(new URL(url).port), '127.0.0.1');
    await new Promise((done) => idle.once('connect', done));
    await sleep(100);
    server.signal('SIGTERM');
    expect(await server.exited).toBe(0);
  });

  test('a request that does not end is cut off when its time is up, exit 0', async () => {
    const { server, url } = await startOnOwnDatabase({ SHUTDOWN_TIMEOUT: '1' });
    const request = await halfARequest(url);
    server.signal('SIGTERM');
    expect(await server.exited).toBe(0);
    expect(await request.answer).toBe('');
  });

  test('stopped at once, it still stops the embedded PostgreSQL', async () => {
    const server = start();
    const request = await halfARequest(await server.ready());
    const postgres = postmaster();
    server.signal('SIGTERM');
    await sleep(700);
    server.signal('SIGTERM');
    expect(await server.exited).toBe(1);
    await until(() => !isAlive(postgres));
    request.socket.destroy();
  });

  test('while it drains it is not ready, which tells load balancers to look elsewhere', async () => {
    const { server, url } = await startOnOwnDatabase();
    const kept = connect(Number(new URL(url).port), '127.0.0.1');
    let text = '';
    kept.on('data', (chunk) => (text += String(chunk)));
    const ask = 'GET /health/ready HTTP/1.1\r\nHost: localhost\r\n\r\n';
    kept.write(ask);
    await until(() => text.includes('"ok"'));
    const request = await halfARequest(url);
    text = '';
    kept.write('GET /health/ready HTTP/1.1\r\nHost: localhost\r\nX-Pending: ');
    await sleep(100);
    server.signal('SIGTERM');
    await sleep(300);
    kept.write('1\r\n\r\n');
    await until(() => text.includes('\r\n\r\n'));
    expect(text).toContain('HTTP/1.1 503');
    expect(text).toContain('"service_unavailable"');
    request.finish();
    expect(await server.exited).toBe(0);
  });
});
