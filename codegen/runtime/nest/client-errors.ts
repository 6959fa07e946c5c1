import { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

import type { FastifyInstance } from 'fastify';

import { RequestFailure } from './failure.ts';

type ClientErrorHandler = (failure: RequestFailure, request: IncomingMessage, response: ServerResponse) => void;

const reasons: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: 'The headers of the request are too large.',
  ERR_HTTP_REQUEST_TIMEOUT: 'The request took too long to arrive.',
};

/**
 * Lets `handler` answer what is no HTTP request, or not a whole one, before Fastify knows of it. The connection is closed
 * afterwards: where the next request would begin on it is not known.
 */
export function onClientError(instance: FastifyInstance, handler: ClientErrorHandler): void {
  instance.server.removeAllListeners('clientError');
  instance.server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    const request = new IncomingMessage(socket);
    const response = new ServerResponse(request);
    try {
      if (error.code === 'ECONNRESET' || !socket.writable) throw error;
      // Throws where an answer is on its way already: nothing can be said beside it.
      response.assignSocket(socket);
    } catch {
      socket.destroy();
      return;
    }
    response.shouldKeepAlive = false;
    response.once('finish', () => socket.destroySoon());
    const message = reasons[error.code ?? ''] ?? 'The request is not valid HTTP.';
    handler(new RequestFailure('validation', message, { details: { errors: [] }, cause: error }), request, response);
  });
}
