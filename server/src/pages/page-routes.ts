import type { FastifyInstance, FastifyReply } from 'fastify';
import { notePage } from './page-frame.ts';

const bodyLimit = 262_144;

/** What pages that stand together have in common. */
export interface PageSet {
  /** Their Content-Security-Policy. */
  readonly policy: string;
  /** Answers what was thrown. */
  readonly fail: (error: unknown, reply: FastifyReply) => FastifyReply;
}

/** Serves pages that `define` names: they take the fields of forms and nothing else, and none is kept in a cache. */
export function servePages(
  server: FastifyInstance,
  { policy, fail }: PageSet,
  define: (scope: FastifyInstance) => void,
): void {
  const dress = (reply: FastifyReply): FastifyReply =>
    reply
      .type('text/html; charset=utf-8')
      .header('Content-Security-Policy', policy)
      .header('Cache-Control', 'no-store');
  void server.register(async (scope) => {
    const form = 'application/x-www-form-urlencoded';
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser(form, { parseAs: 'string', bodyLimit }, (_request, body, done) =>
      done(null, new URLSearchParams(String(body))),
    );
    scope.addHook('onRequest', async (_request, reply) => void dress(reply));
    // Fastify takes the media type off an answer that became an error.
    scope.setErrorHandler((error, _request, reply) => fail(error, dress(reply)));
    define(scope);
  });
}

/** The page for who asks too often; `retryAfter` in seconds. */
export function tooMany(reply: FastifyReply, retryAfter = 60, footer?: string): FastifyReply {
  const wait = retryAfter > 90 ? 'Please come back later.' : 'Please wait a minute and try again.';
  return reply
    .code(429)
    .header('Retry-After', retryAfter)
    .send(notePage('Too many requests', wait, false, footer));
}
