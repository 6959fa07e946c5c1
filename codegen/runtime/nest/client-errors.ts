import { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { PassThrough } from 'node:stream';

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
    const current = (socket as { _httpMessage?: ServerResponse | null })._httpMessage;
    if (error.code === 'ECONNRESET' || !socket.writable || current?.headersSent) {
      socket.destroy();
      return;
    }
    const request = new IncomingMessage(socket);
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    // Not on the socket itself, which still belongs to the answer of a request whose body is what is broken.
    const wire = new PassThrough();
    response.assignSocket(wire as unknown as Socket);
    response.once('finish', () => wire.end());
    wire.once('end', () => socket.destroySoon()).pipe(socket);
    const message = reasons[error.code ?? ''] ?? 'The request is not valid HTTP.';
    handler(new RequestFailure('validation', message, { details: { errors: [] }, cause: error }), request, response);
  });
}
