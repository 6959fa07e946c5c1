import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from './database.ts';
import { startTestServer, type TestOrganisation, type TestServer } from './app.ts';
import { until } from './until.ts';

/** Nodes that are ready together, and characters that each of them copies twice. */
const nodes = 150;
const characters = 950_000;

let database: TestDatabase;
let server: TestServer;
let other: TestOrganisation;

beforeAll(async () => {
  database = await createTestDatabase();
  server = await startTestServer({ database });
  other = await server.createOrganisation('free');
});
afterAll(async () => {
  await server?.close();
  await database?.drop();
});

interface Answer {
  id: string;
  status: string;
  output: unknown;
  error: { code: string; message: string; node_id: string | null } | null;
}

async function ask(who: TestOrganisation, path: string, body?: unknown): Promise<Answer> {
  const headers = { 'x-api-key': who.apiKey, 'content-type': 'application/json' };
  const response = await fetch(server.url + path, {
    headers,
    ...(body !== undefined && { method: 'POST', body: JSON.stringify(body) }),
  });
  return ((await response.json()) as { data: Answer }).data;
}

async function publish(who: TestOrganisation, definition: unknown): Promise<string> {
  const { id } = await ask(who, '/v1/workflows', { name: 'W', definition });
  await ask(who, `/v1/workflows/${id}/publish`, {});
  return id;
}

const set = (id: string, values: Record<string, string>): unknown => ({ id, type: 'set', params: { values } });

async function expectReady(): Promise<void> {
  const response = await fetch(`${server.url}/health/ready`);
  expect({ status: response.status, body: await response.text() }).toMatchObject({ status: 200 });
}

test('an execution with outputs beyond the longest text ends in words, and holds up nobody', async () => {
  const attacker = await server.createOrganisation('free');
  const twice = { a: '{{ input.text }}', b: '{{ input.text }}' };
  const attack = await publish(attacker, {
    nodes: Array.from({ length: nodes }, (_, index) => set(`copy${index}`, twice)),
    edges: [],
  });
  const small = await publish(other, { nodes: [set('say', { n: '{{ input.n }}' })], edges: [] });

  const attacks: string[] = [];
  for (let each = 0; each < 3; each++)
    attacks.push(
      (await ask(attacker, `/v1/workflows/${attack}/execute`, { input: { text: 'x'.repeat(characters) } })).id,
    );
  for (let n = 0; n < 10; n++) {
    const execution = await ask(other, `/v1/workflows/${small}/execute?wait=20s`, { input: { n } });
    expect(execution).toMatchObject({ status: 'completed', output: { say: { n } } });
  }
  for (const id of attacks) {
    const ended = await until(
      async () => {
        const [row] = await server.sql<Answer>('select id, status, error from execution where id = $1', [id]);
        return ['completed', 'failed'].includes(row!.status) && row;
      },
      { within: 60_000 },
    );
    expect(ended).toMatchObject({ status: 'failed', error: { code: 'execution_too_large' } });
  }
  await expectReady();
}, 180_000);

test('a restart takes up the executions that are left, and they hold up nobody either', async () => {
  await server.close();
  server = await startTestServer({ database });
  const small = await publish(other, { nodes: [set('say', { n: '{{ input.n }}' })], edges: [] });
  const execution = await ask(other, `/v1/workflows/${small}/execute?wait=20s`, { input: { n: 1 } });
  expect(execution.status).toBe('completed');
  await expectReady();
});
