import { afterEach, describe, expect, test } from '@jest/globals';
import { fastify, type FastifyInstance } from 'fastify';
import { contract } from '#generated/platform/index.ts';
import { createLogger } from '../logging/logger.ts';
import { installMetricsRoute } from '../telemetry/metrics-route.ts';
import { Metrics } from '../telemetry/metrics.ts';
import { installRequestLog } from './request-log.ts';
import { installSecurity } from './security.ts';
import { warnOfUntrustedProxy } from './untrusted-proxy.ts';

let server: FastifyInstance;
afterEach(() => server.close());

async function serve({
  origins = [] as string[],
  https = false,
  token = undefined as string | undefined,
  metricsPort = undefined as number | undefined,
} = {}): Promise<Record<string, unknown>[]> {
  const lines: Record<string, unknown>[] = [];
  const logger = createLogger(
    { LOG_LEVEL: 'info', LOG_FORMAT: 'json' },
    { write: (line) => void lines.push(JSON.parse(line)) },
  );
  const metrics = new Metrics();
  server = fastify();
  await installSecurity(server, { origins, https });
  installRequestLog(server, logger, metrics);
  warnOfUntrustedProxy(server, logger);
  installMetricsRoute(server, metrics, { METRICS_TOKEN: token, METRICS_PORT: metricsPort });
  server.get('/things/:id', async (request) => {
    if ((request.params as { id: string }).id === 'broken') throw new Error('broken');
    return { ok: true };
  });
  return lines;
}

/** Names of all response headers in a bundled OpenAPI document. */
function declaredHeaders(node: unknown): string[] {
  if (typeof node !== 'object' || node === null) return [];
  // A schema may have a property of that name.
  const { headers, properties: _properties, ...rest } = node as Record<string, unknown>;
  const own = typeof headers === 'object' && headers !== null && 'description' in rest ? Object.keys(headers) : [];
  return [...new Set([...own, ...Object.values(rest).flatMap(declaredHeaders)])];
}

describe('security headers', () => {
  test('go with every answer, also with a 404', async () => {
    await serve();
    for (const url of ['/things/1', '/nowhere']) {
      const { headers } = await server.inject(url);
      expect(headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'content-security-policy': expect.stringContaining("default-src 'none'"),
        'cross-origin-resource-policy': 'same-origin',
      });
      expect(headers['strict-transport-security']).toBeUndefined();
    }
  });

  test('ask for HTTPS only where the server is reached by HTTPS', async () => {
    await serve({ https: true });
    expect((await server.inject('/things/1')).headers['strict-transport-security']).toContain('max-age=31536000');
  });
});

describe('CORS', () => {
  test('is off unless origins are listed', async () => {
    await serve();
    const { headers } = await server.inject({ url: '/things/1', headers: { origin: 'https://app.example.com' } });
    expect(headers['access-control-allow-origin']).toBeUndefined();
  });

  test('lets a listed origin in, with credentials, and no other', async () => {
    await serve({ origins: ['https://app.example.com'] });
    const ask = async (origin: string) => (await server.inject({ url: '/things/1', headers: { origin } })).headers;
    expect(await ask('https://app.example.com')).toMatchObject({
      'access-control-allow-origin': 'https://app.example.com',
      'access-control-allow-credentials': 'true',
      'access-control-expose-headers': expect.stringContaining('X-Request-Id'),
    });
    expect((await ask('https://evil.example.com'))['access-control-allow-origin']).toBeUndefined();
  });

  test('lets the pages of a listed origin read every header that the contract declares', async () => {
    await serve({ origins: ['https://app.example.com'] });
    const { headers } = await server.inject({ url: '/things/1', headers: { origin: 'https://app.example.com' } });
    const exposed = String(headers['access-control-expose-headers']).split(/, */);
    // Browsers hand out Cache-Control unasked and Set-Cookie never; X-Accel-Buffering is for proxies.
    const others = ['Cache-Control', 'Set-Cookie', 'X-Accel-Buffering'];
    const declared = declaredHeaders(contract.document);
    expect(declared).toContain('Retry-After');
    expect(declared.filter((name) => !others.includes(name) && !exposed.includes(name))).toEqual([]);
  });

  test('answers the preflight of a listed origin', async () => {
    await serve({ origins: ['https://app.example.com'] });
    const headers = {
      origin: 'https://app.example.com',
      'access-control-request-method': 'PATCH',
      'access-control-request-headers': 'x-api-key',
    };
    const answer = await server.inject({ method: 'OPTIONS', url: '/things/1', headers });
    expect(answer.statusCode).toBe(204);
    expect(answer.headers).toMatchObject({
      'access-control-allow-methods': expect.stringContaining('PATCH'),
      'access-control-allow-headers': 'x-api-key',
    });
  });
});

describe('the request log', () => {
  test('has one line for a request, without its query', async () => {
    const lines = await serve();
    await server.inject('/things/1?token=hidden');
    expect(lines).toEqual([
      expect.objectContaining({
        level: 'info',
        status: 200,
        msg: 'GET /things/1 200',
        duration_ms: expect.any(Number),
        request_id: expect.any(String),
      }),
    ]);
  });

  test('marks a 500 as an error', async () => {
    const lines = await serve();
    await server.inject('/things/broken');
    expect(lines).toEqual([expect.objectContaining({ level: 'error', status: 500 })]);
  });
});

test('a proxy that nobody said to believe is warned of once', async () => {
  const lines = await serve();
  await server.inject('/things/1');
  await server.inject({ url: '/things/1', headers: { 'x-forwarded-for': '192.0.2.1' } });
  await server.inject({ url: '/things/1', headers: { 'x-forwarded-for': '192.0.2.2' } });
  const warnings = lines.filter(({ level }) => level === 'warn');
  expect(warnings).toEqual([
    expect.objectContaining({ proxy: '127.0.0.1', msg: expect.stringContaining('TRUST_PROXY') }),
  ]);
});

describe('/metrics', () => {
  const token = '0123456789abcdef';
  const withToken = { url: '/metrics', headers: { authorization: `Bearer ${token}` } };

  test('counts requests by route, not by path, and reports the event loop', async () => {
    await serve({ token });
    await server.inject('/things/1');
    await server.inject('/things/2');
    await server.inject('/any/thing/a/stranger/asks');
    const { body, headers } = await server.inject(withToken);
    expect(headers['content-type']).toContain('text/plain');
    expect(body).toContain(
      'flowpact_http_request_duration_seconds_count{operation="/things/:id",method="GET",status="200"} 2',
    );
    expect(body).toContain(
      'flowpact_http_request_duration_seconds_count{operation="none",method="GET",status="404"} 1',
    );
    expect(body).toContain('flowpact_nodejs_eventloop_lag_p99_seconds');
  });

  test('401: without the token', async () => {
    await serve({ token });
    const { statusCode, body } = await server.inject('/metrics');
    expect(statusCode).toBe(401);
    expect(body).not.toContain('flowpact_');
  });

  test('404: where there is no token, or metrics have a port of their own', async () => {
    await serve();
    expect((await server.inject('/metrics')).statusCode).toBe(404);
    await server.close();
    await serve({ token, metricsPort: 0 });
    expect((await server.inject(withToken)).statusCode).toBe(404);
  });
});
