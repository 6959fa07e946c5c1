import type { FastifyInstance } from 'fastify';
import type { Logger } from '../logging/logger.ts';

/** Warns, once, when requests come through a proxy that nobody said to believe: then all clients are counted as one address. */
export function warnOfUntrustedProxy(server: FastifyInstance, logger: Logger): void {
  let warned = false;
  server.addHook('onRequest', (request, _reply, done) => {
    if (!warned && request.headers['x-forwarded-for'] !== undefined) {
      warned = true;
      const remedy =
        'Requests come with X-Forwarded-For, and TRUST_PROXY is not set: clients behind the proxy share one address, and the limits by address. Set it to the addresses of your proxies.';
      logger.warn({ component: 'Http', proxy: request.ip }, remedy);
    }
    done();
  });
}
