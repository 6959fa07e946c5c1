import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import { Flowpact } from '#sdk';
import { runCommand, type CommandResult } from './command.ts';
import { createEmptyDatabase } from './database.ts';
import { ServerProcess } from './server-process.ts';
import { until } from './until.ts';
import { WebhookReceiver } from './webhook-receiver.ts';

// Whole servers are started, stopped and started again.
jest.setTimeout(400_000);

const secret = 'sk_live_8fJ2mQ0vXr';
let folder: string;
let receiver: WebhookReceiver;
let shop: Shop;
const servers: ServerProcess[] = [];
const undo: (() => Promise<void>)[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'flowpact-backup-'));
  chmodSync(folder, 0o755);
  receiver = await WebhookReceiver.start();
  shop = await Shop.start();
});
afterEach(async () => {
  for (const server of servers.splice(0)) await server.end();
  for (const step of undo.splice(0)) await step();
  await receiver.stop();
  await shop.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** What the workflows call: `/slow` is answered when the test says so. */
class Shop {
  readonly calls: { path: string; headers: IncomingHttpHeaders }[] = [];
  readonly #held: (() => void)[] = [];
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => {
      this.calls.push({ path: String(request.url), headers: request.headers });
      const answer = (): void =>
        void response.writeHead(200, { 'content-type': 'application/json' }).end('{"ok":true}');
      if (request.url === '/slow') this.#held.push(answer);
      else answer();
    });
  }

  static async start(): Promise<Shop> {
    const shop = new Shop();
    await new Promise<void>((resolve) => shop.#server.listen(0, '127.0.0.1', resolve));
    return shop;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  callsOf(path: string): IncomingHttpHeaders[] {
    return this.calls.filter((call) => call.path === path).map(({ headers }) => headers);
  }

  /** Answers what waits. */
  release(): void {
    for (const answer of this.#held.splice(0)) answer();
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

async function start(environment: Record<string, string>): Promise<{ server: ServerProcess; url: string }> {
  const server = new ServerProcess({ OUTGOING_ALLOWED_HOSTS: '127.0.0.1', SHUTDOWN_TIMEOUT: '1', ...environment });
  servers.push(server);
  return { server, url: await server.ready() };
}

async function done(command: Promise<CommandResult>): Promise<string> {
  const { status, stdout, stderr } = await command;
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout;
}

async function publish(fp: Flowpact, name: string, nodes: object[], edges: object[] = []): Promise<string> {
  const { id } = await fp.workflows.create({ name, definition: { nodes, edges } as never });
  await fp.workflows.publish(id, {});
  return id;
}

const paid = (): object => ({
  id: 'pay',
  type: 'http.request',
  params: { url: `${shop.url}/paid`, headers: { 'X-Shop-Key': '{{ secrets.SHOP_KEY }}' } },
});

/** How often the receiver was told that the execution is completed. */
function endsOf(executionId: string): number {
  return receiver.messages.filter(({ event }) => event.data.execution_id === executionId).length;
}

test('a backup of a running server is restored elsewhere, and everything goes on from there', async () => {
  const source = { FLOWPACT_DATA_DIR: join(folder, 'source') };
  mkdirSync(source.FLOWPACT_DATA_DIR);
  const first = await start(source);
  const apiKey = /API key +(fp_live_\w+)/.exec(first.server.stdout)![1]!;
  let fp = new Flowpact({ apiKey, baseUrl: first.url });

  await fp.secrets.create({ name: 'SHOP_KEY', value: secret });
  const hook = await fp.webhooks.create({ name: 'Ends', url: receiver.url, events: ['execution.completed'] });
  const order = await publish(
    fp,
    'Order',
    [{ id: 'ask', type: 'approval', params: { message: 'Pay?' } }, paid()],
    [{ id: 'then', from: 'ask', to: 'pay', port: 'approved' }],
  );
  const slow = await publish(fp, 'Slow', [{ id: 'slow', type: 'http.request', params: { url: `${shop.url}/slow` } }]);
  const tick = await publish(fp, 'Tick', [{ id: 'say', type: 'set', params: { values: { n: 1 } } }]);

  const resting = await fp.workflows.execute(order, { input: {} });
  await until(async () => (await fp.executions.get(resting.id)).status === 'waiting');
  const inFlight = await fp.workflows.execute(slow, { input: {} });
  await until(() => shop.callsOf('/slow').length === 1);
  const schedule = await fp.schedules.create({ workflow_id: tick, name: 'Every second', cron: '* * * * * *' });
  await until(async () => (await fp.schedules.get(schedule.id)).last_run_at !== null);

  const backup = join(folder, 'backup');
  const said = await done(runCommand('backup.cjs', [backup], { env: { DATABASE_URL: '', ...source } }));
  const keys = readFileSync(join(source.FLOWPACT_DATA_DIR, 'master.keys'), 'utf8').trim();
  expect(said).toContain(
    `Not in it: the master keys ${keys.split(':')[0]} (master.keys in ${source.FLOWPACT_DATA_DIR})`,
  );
  expect(said).not.toContain(keys.split(':')[1]);
  await first.server.end();

  const database = await createEmptyDatabase();
  undo.push(() => database.drop());
  const own = { DATABASE_URL: database.url, FLOWPACT_DATA_DIR: join(folder, 'own') };
  const without = await runCommand('restore.cjs', [backup], { env: { ...own, FLOWPACT_MASTER_KEYS: '' } });
  expect(without).toMatchObject({ status: 1, stderr: expect.stringContaining('which is not configured') });
  const target = { ...own, FLOWPACT_MASTER_KEYS: keys };
  expect(await done(runCommand('restore.cjs', [backup, '--check'], { env: target }))).toContain('Nothing was changed.');
  expect(await done(runCommand('restore.cjs', [backup], { env: target }))).toContain('Start the server.');

  const before = Date.now();
  const second = await start(target);
  expect(second.server.stdout).not.toContain('First start');
  fp = new Flowpact({ apiKey, baseUrl: second.url });

  // At rest: what is decided now goes on, with the right secret.
  for await (const approval of fp.approvals.list({ execution_id: resting.id })) await fp.approvals.approve(approval.id);
  expect((await fp.executions.waitForCompletion(resting.id)).status).toBe('completed');
  expect(shop.callsOf('/paid').map((headers) => headers['x-shop-key'])).toEqual([secret]);

  // In flight: the call that the backup cut in two is made again, and it ends once.
  await until(() => shop.callsOf('/slow').length === 2);
  shop.release();
  const [cut, repeated] = shop.callsOf('/slow').map((headers) => headers['idempotency-key']);
  expect([cut, repeated]).toEqual([expect.any(String), cut]);
  expect((await fp.executions.waitForCompletion(inFlight.id)).status).toBe('completed');

  // Webhooks: one message for each end, signed as before.
  await until(() => endsOf(inFlight.id) > 0 && endsOf(resting.id) > 0, { within: 60_000 });
  expect([endsOf(inFlight.id), endsOf(resting.id)]).toEqual([1, 1]);
  const message = receiver.messages.at(-1)!;
  expect(new Webhook(hook.secret).verify(message.body, message.headers)).toBeDefined();

  // Schedules: they go on by the clock.
  await until(async () => Date.parse(String((await fp.schedules.get(schedule.id)).last_run_at)) > before);

  const busy = await runCommand('restore.cjs', [backup, '--force'], { env: target });
  expect(busy).toMatchObject({
    status: 1,
    stderr: expect.stringContaining('A server or command of Flowpact uses this database'),
  });

  // And back, from a PostgreSQL of one's own into the embedded one.
  await second.server.end();
  await done(runCommand('backup.cjs', [join(folder, 'again')], { env: target }));
  const embedded = { DATABASE_URL: '', FLOWPACT_MASTER_KEYS: '', FLOWPACT_DATA_DIR: join(folder, 'embedded') };
  mkdirSync(embedded.FLOWPACT_DATA_DIR);
  copyFileSync(join(source.FLOWPACT_DATA_DIR, 'master.keys'), join(embedded.FLOWPACT_DATA_DIR, 'master.keys'));
  await done(runCommand('restore.cjs', [join(folder, 'again')], { env: embedded }));
  const third = await start(embedded);
  fp = new Flowpact({ apiKey, baseUrl: third.url });
  const { id } = await fp.workflows.execute(order, { input: {} });
  await until(async () => (await fp.executions.get(id)).status === 'waiting');
  for await (const approval of fp.approvals.list({ execution_id: id })) await fp.approvals.approve(approval.id);
  expect((await fp.executions.waitForCompletion(id)).status).toBe('completed');
  expect(shop.callsOf('/paid').map((headers) => headers['x-shop-key'])).toEqual([secret, secret]);
});
