import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { contract } from '#generated/platform/index.ts';
import { startTestServer, type TestServer } from '../../../../test/app.ts';
import { version } from '../../../platform/health/version.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

async function ask(path: string, headers: Record<string, string> = {}) {
  const response = await fetch(`${server.url}${path}`, { headers });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    text,
    body: /json/.test(response.headers.get('content-type') ?? '') ? JSON.parse(text) : undefined,
  };
}

describe('health', () => {
  test('200: every part with its latency', async () => {
    const { status, body } = await ask('/v1/monitoring/health');
    expect(status).toBe(200);
    expect(body.data).toMatchObject({ version, uptime_seconds: expect.any(Number) });
    const components = body.data.components as { name: string }[];
    expect(components.slice(0, 3)).toEqual([
      { name: 'database', status: expect.any(String), latency_ms: expect.any(Number) },
      { name: 'engine', status: expect.any(String), latency_ms: expect.any(Number) },
      { name: 'event_loop', status: expect.any(String), latency_ms: expect.any(Number) },
    ]);
    // What parts say of themselves takes no time worth showing.
    expect(components.slice(3).map(({ name }) => name)).toEqual(
      expect.arrayContaining(['database_writes', 'worker_loops', 'execution_recorder']),
    );
    for (const component of components.slice(3))
      expect(component).toMatchObject({ status: 'healthy', latency_ms: null });
  });

  test('200: alive and ready', async () => {
    expect(await ask('/health/live')).toMatchObject({ status: 200, body: { data: { status: 'ok' } } });
    expect(await ask('/health/ready')).toMatchObject({ status: 200, body: { data: { status: 'ok' } } });
  });

  test('503: without its database it is alive and not ready, answers everything else the same way, and recovers', async () => {
    await server.cutDatabase();
    try {
      expect((await ask('/health/live')).status).toBe(200);
      const headers = { 'x-api-key': server.admin.apiKey };
      for (const path of ['/health/ready', '/v1/monitoring/health', '/v1/api-keys', '/v1/auth/me']) {
        const { status, body, headers: answered } = await ask(path, headers);
        expect({ path, status, code: body.error.code }).toEqual({ path, status: 503, code: 'service_unavailable' });
        expect(answered.get('retry-after')).toBe('5');
      }
      const problem = await ask('/health/ready', { accept: 'application/json, application/problem+json' });
      expect(problem.body).toMatchObject({
        type: 'urn:flowpact:error:service_unavailable',
        title: 'Service Unavailable',
        status: 503,
      });
    } finally {
      await server.restoreDatabase();
    }
    expect((await ask('/health/ready')).status).toBe(200);
  });
});

describe('documentation', () => {
  test('/openapi.json is the contract', async () => {
    expect((await ask('/openapi.json')).body).toEqual(contract.document);
  });

  test('/openapi.yaml is the contract', async () => {
    expect((await ask('/openapi.yaml')).text).toMatch(/^openapi: 3\.1\.0\n/);
  });

  test('/docs is Swagger UI with its own files, and asks the server that it came from', async () => {
    const page = await ask('/docs');
    expect(page.text).toContain('<title>Flowpact API</title>');
    const files = [...page.text.matchAll(/(?:src|href)="\.\/(docs\/[^"]+)"/g)].map(([, file]) => file);
    expect(files.length).toBeGreaterThan(3);
    for (const file of files) expect({ file, status: (await ask(`/${file}`)).status }).toEqual({ file, status: 200 });
    expect((await ask('/docs/swagger-ui-init.js')).text).toMatch(/"servers": \[\s*\{\s*"url": "\/"/);
  });
});
