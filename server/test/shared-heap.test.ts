import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Plan } from '../src/domain/organisation/plan.ts';
import { startTestServer, type TestServer } from './app.ts';
import { ServerProcess } from './server-process.ts';
import { Tenant } from './tenancy/tenant.ts';
import { until } from './until.ts';

/** Mebibytes of heap that the worker has. */
const heap = 256;
/** Executions that wait for the worker. Each holds a text of two bytes a letter: together they are more than the heap. */
const executions = 45;
const letters = 950_000;
const text = `${'x'.repeat(letters - 1)}ā`;

let server: TestServer;
let worker: ServerProcess | undefined;
const tenants: Tenant[] = [];

beforeAll(async () => {
  // It accepts executions and runs none.
  server = await startTestServer({ settings: { FLOWPACT_ROLE: 'api', RATE_LIMITS: false } });
  // The first start compiles what has changed, which needs more memory.
  await new ServerProcess({ PORT: 'none' }).exited;
}, 120_000);
afterAll(async () => {
  for (const tenant of tenants) await tenant.close();
  await worker?.end();
  await server?.close();
}, 60_000);

async function tenant(plan: Plan): Promise<Tenant> {
  const made = new Tenant(server.url, (await server.createOrganisation(plan)).apiKey);
  tenants.push(made);
  return made;
}

test('a worker that takes up more than its heap holds ends it bit by bit, while it does the work of another organisation', async () => {
  const [greedy, quiet] = [await tenant('pro'), await tenant('free')];
  const large = await greedy.publish({
    nodes: [{ id: 'rest', type: 'delay', params: { duration: '1s' } }],
    edges: [],
    output: '{{ input.text.length }}',
  });
  const small = await quiet.publish({
    nodes: [{ id: 'say', type: 'set', params: { values: { n: '{{ input.n }}' } } }],
    edges: [],
  });
  const ids: string[] = [];
  for (let each = 0; each < executions; each++) ids.push(await greedy.start(large, { text }));

  worker = new ServerProcess({
    DATABASE_URL: server.database.url,
    FLOWPACT_ROLE: 'worker',
    NODE_OPTIONS: `--max-old-space-size=${heap} --max-semi-space-size=8`,
  });
  const died = worker.exited.then((code) => Promise.reject(new Error(`The worker exited with ${code}.`)));
  const open = async (): Promise<number> =>
    (await server.sql(`select id from execution where id = any($1) and completed_at is null`, [ids])).length;
  let ended = 0;
  const all = async (): Promise<void> => {
    await until(
      async () => {
        await quiet.execute(small, { n: (ended += 1) });
        return (await open()) === 0;
      },
      { within: 100_000, seen: open },
    );
  };
  await Promise.race([all(), died]);

  const ends = await server.sql('select distinct status, output, error from execution where id = any($1)', [ids]);
  expect(ends).toEqual([{ status: 'completed', output: letters, error: null }]);
  expect(ended).toBeGreaterThan(3);
}, 120_000);
