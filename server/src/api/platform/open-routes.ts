import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { answerError } from './open-errors.ts';

/** Bytes that a body may have. */
const bodyLimit = 1_048_576;
const method = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'];

/** Serves what users of the platform make under these paths, with any body, and refusals in the contract's shapes. */
export function serveOpenRoutes(
  server: FastifyInstance,
  urls: readonly string[],
  handler: (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>,
): void {
  void server.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit }, (_request, body, done) => done(null, body));
    // What a workflow answers may say otherwise.
    scope.addHook('onRequest', async (_request, reply) => void reply.header('Cache-Control', 'no-store'));
    scope.setErrorHandler((error, request, reply) => answerError(error, request, reply));
    for (const url of urls) scope.route({ method, url, exposeHeadRoute: false, handler });
  });
}
