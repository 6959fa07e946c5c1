import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { startTestServer, type TestServer } from './app.ts';
import { noises } from './tenancy/noises.ts';
import { Receiver } from './tenancy/receiver.ts';
import { Tenant } from './tenancy/tenant.ts';
import { until } from './until.ts';

jest.setTimeout(120_000);

/** Milliseconds that the quiet organisation may take: minutes are what it takes where it waits behind the other. */
const longest = 30_000;
const times = 2;

let server: TestServer;
let receiver: Receiver;
const tenants: Tenant[] = [];

beforeAll(async () => {
  server = await startTestServer({
    settings: { RATE_LIMITS: false, OUTGOING_ALLOWED_HOSTS: ['127.0.0.1'], RESPONSE_VALIDATION: 'log' },
  });
  receiver = await Receiver.start();
}, 60_000);
afterAll(async () => {
  for (const tenant of tenants) await tenant.close();
  await receiver?.stop();
  await server?.close();
}, 60_000);

async function tenant(plan: 'free' | 'business'): Promise<Tenant> {
  const made = new Tenant(server.url, (await server.createOrganisation(plan)).apiKey);
  tenants.push(made);
  return made;
}

test.each(noises.map((noise) => [noise.name, noise] as const))(
  'while one organisation is noisy with %s, another gets its work done',
  async (_, noise) => {
    const probe = await noise.probe(await tenant('free'), receiver);
    await probe();
    const running = await noise.start(await tenant('business'), receiver, 1);
    try {
      await until(() => running.isOn());
      const done = (async () => {
        for (let time = 0; time < times; time++) await probe();
        return 'done';
      })();
      const late = new Promise((resolve) => setTimeout(() => resolve('late'), longest).unref());
      expect(await Promise.race([done, late])).toBe('done');
      // It did not wait until the other was done.
      expect(await running.isOn()).toBe(true);
      await done;
    } finally {
      receiver.answer();
      await running.stop();
    }
  },
);
