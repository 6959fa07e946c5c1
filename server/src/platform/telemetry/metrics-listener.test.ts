import { afterEach, expect, test } from '@jest/globals';
import { createServer } from 'node:net';
import { listenForMetrics, type MetricsListener } from './metrics-listener.ts';
import { Metrics } from './metrics.ts';

let listener: MetricsListener | undefined;
afterEach(async () => {
  await listener?.close();
  listener = undefined;
});

async function listen(token?: string): Promise<string> {
  listener = await listenForMetrics({ host: '127.0.0.1', port: 0, token, metrics: new Metrics() });
  return `http://127.0.0.1:${listener.port}`;
}

test('the port of metrics serves them, and nothing else', async () => {
  const url = await listen();
  const answer = await fetch(`${url}/metrics?x=1`);
  expect(answer.status).toBe(200);
  expect(answer.headers.get('content-type')).toContain('text/plain');
  expect(await answer.text()).toContain('flowpact_process_cpu_seconds_total');
  expect((await fetch(`${url}/metrics`, { method: 'HEAD' })).status).toBe(200);
  expect((await fetch(`${url}/metrics`, { method: 'POST' })).status).toBe(405);
  expect((await fetch(`${url}/v1/workflows`)).status).toBe(404);
});

test('401: there too without the token, where there is one', async () => {
  const url = await listen('0123456789abcdef');
  const refused = await fetch(`${url}/metrics`);
  expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([401, 'Bearer realm="metrics"']);
  expect(await refused.text()).not.toContain('flowpact_');
  const wrong = { headers: { authorization: 'Bearer 0123456789abcdeg' } };
  expect((await fetch(`${url}/metrics`, wrong)).status).toBe(401);
  const right = { headers: { authorization: 'Bearer 0123456789abcdef' } };
  expect((await fetch(`${url}/metrics`, right)).status).toBe(200);
});

test('a port that is taken is said with the name of its setting', async () => {
  const other = createServer();
  await new Promise<void>((done) => other.listen(0, '127.0.0.1', done));
  const { port } = other.address() as { port: number };
  const refused = listenForMetrics({ host: '127.0.0.1', port, metrics: new Metrics() });
  await expect(refused).rejects.toMatchObject({
    message: `Port ${port} is in use by another program.`,
    remedy: expect.stringContaining(`METRICS_PORT=${port + 1}`),
  });
  await new Promise((done) => other.close(done));
});
