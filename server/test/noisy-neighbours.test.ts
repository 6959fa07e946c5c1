import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { startTestServer, type TestServer } from './app.ts';
import { noises } from './tenancy/noises.ts';
import { ServedOrder } from './tenancy/served-order.ts';
import { Receiver } from './tenancy/receiver.ts';
import { Tenant } from './tenancy/tenant.ts';
import { until } from './until.ts';

jest.setTimeout(120_000);

/** Milliseconds that the quiet organisation may take: minutes are what it takes where it waits behind the other. */
const longest = 30_000;
const times = 2;
/** Where the quiet one has to find the noise in its queue, it tries so often. */
const tries = 8;
/** Items of the noisy one that may be served before one of the quiet one: its turn, and what is between two statements. */
const turn = 3;

let server: TestServer;
let receiver: Receiver;
const order = new ServedOrder();
const tenants: Tenant[] = [];

beforeAll(async () => {
  server = await startTestServer({
    settings: { RATE_LIMITS: false, OUTGOING_ALLOWED_HOSTS: ['127.0.0.1'], RESPONSE_VALIDATION: 'log' },
  });
  receiver = await Receiver.start();
}, 60_000);
afterAll(async () => {
  order.stop();
  for (const tenant of tenants) await tenant.close();
  await receiver?.stop();
  await server?.close();
}, 60_000);

async function tenant(plan: 'free' | 'business'): Promise<{ tenant: Tenant; organisationId: string }> {
  const { apiKey, organisationId } = await server.createOrganisation(plan);
  const made = new Tenant(server.url, apiKey);
  tenants.push(made);
  return { tenant: made, organisationId };
}

test.each(noises.map((noise) => [noise.name, noise] as const))(
  'while one organisation is noisy with %s, another gets its work done',
  async (_, noise) => {
    const quiet = await tenant('free');
    const probe = await noise.probe(quiet.tenant, receiver);
    await probe();
    const noisy = await tenant('business');
    const running = await noise.start(noisy.tenant, receiver, 1);
    try {
      await until(() => running.isOn());
      order.follow(quiet.organisationId);
      const done = (async () => {
        for (let time = 0; time < times; time++) await probe();
        for (let time = times; time < tries && noise.queues && order.most.before <= turn; time++) await probe();
        return 'done';
      })();
      const late = new Promise((resolve) => setTimeout(() => resolve('late'), longest).unref());
      expect(await Promise.race([done, late])).toBe('done');
      // It was served in turns: without them, all that stood before it would have been served first.
      expect(order.most.overtaken).toBeLessThanOrEqual(turn);
      // It did not wait until the other was done.
      expect(await running.isOn()).toBe(true);
      await done;
    } finally {
      receiver.answer();
      await running.stop();
    }
  },
);
