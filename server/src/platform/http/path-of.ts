import type { FastifyRequest } from 'fastify';

/** Without the query, which may hold anything, and without the part of an inbound URL that makes it hard to guess. */
export function pathOf({ url }: Pick<FastifyRequest, 'url'>): string {
  return url.split('?', 1)[0]!.replace(/^\/hooks\/[^/]+/, '/hooks/*');
}
