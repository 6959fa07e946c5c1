import type { FastifyRequest } from 'fastify';

/** Without the query, which may hold anything, and without the tokens that make inbound and callback URLs hard to guess. */
export function pathOf({ url }: Pick<FastifyRequest, 'url'>): string {
  return url.split('?', 1)[0]!.replace(/^(\/hooks|\/v1\/callbacks)\/[^/]+/, '$1/*');
}
