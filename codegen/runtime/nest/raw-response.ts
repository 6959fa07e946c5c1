import type { IncomingMessage, ServerResponse } from 'node:http';

import type { FastifyReply, FastifyRequest } from 'fastify';

/** The part of Fastify's request that an error response reads, for a request that failed in a middleware. */
export function rawRequest(request: IncomingMessage, id: string): FastifyRequest {
  return {
    raw: request,
    id,
    headers: request.headers,
    method: request.method!,
    is404: false,
  } as unknown as FastifyRequest;
}

/** The part of Fastify's reply that an error response writes. */
export function rawReply(response: ServerResponse): FastifyReply {
  const reply = {
    raw: response,
    get sent() {
      return response.writableEnded;
    },
    code(status: number) {
      response.statusCode = status;
      return reply;
    },
    header(name: string, value: string | string[]) {
      response.setHeader(name, value);
      return reply;
    },
    hasHeader: (name: string) => response.hasHeader(name),
    send(body: string | undefined) {
      response.end(body);
      return reply;
    },
  };
  return reply as unknown as FastifyReply;
}
