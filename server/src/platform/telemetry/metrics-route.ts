import { timingSafeEqual } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import type { Metrics } from './metrics.ts';

/** Where metrics are served, by the configuration. */
export interface MetricsSettings {
  readonly METRICS_PORT?: number;
  readonly METRICS_TOKEN?: string;
}

/**
 * Serves `GET /metrics` beside the API, where anybody can ask: so to holders of the bearer token only, and not at all without
 * one, or where metrics have a port of their own.
 */
export function installMetricsRoute(
  server: FastifyInstance,
  metrics: Metrics,
  { METRICS_PORT, METRICS_TOKEN }: MetricsSettings,
): void {
  if (METRICS_TOKEN === undefined || METRICS_PORT !== undefined) return;
  server.get('/metrics', async (request, reply) => {
    const { status, headers, body } = await answerMetrics(metrics, METRICS_TOKEN, request.headers.authorization);
    return reply.code(status).headers(headers).send(body);
  });
}

/** The answer to `GET /metrics` with this `Authorization` header, for whoever writes it. */
export async function answerMetrics(
  metrics: Metrics,
  token: string | undefined,
  authorization: string | undefined,
): Promise<{ status: number; headers: Record<string, string>; body: string }> {
  if (token !== undefined && !sameText(authorization ?? '', `Bearer ${token}`)) {
    return {
      status: 401,
      headers: { 'WWW-Authenticate': 'Bearer realm="metrics"', 'Content-Type': 'text/plain' },
      body: 'METRICS_TOKEN is wanted as a bearer token.\n',
    };
  }
  const headers = { 'Content-Type': metrics.contentType, 'Cache-Control': 'no-store' };
  return { status: 200, headers, body: await metrics.text() };
}

function sameText(given: string, wanted: string): boolean {
  const [left, right] = [Buffer.from(given), Buffer.from(wanted)];
  return left.length === right.length && timingSafeEqual(left, right);
}
