import { Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ChannelCalls, type ChannelRequest } from '../../../domain/channel/channel-calls.ts';
import { matchRoute } from '../../../domain/channel/channel-route.ts';
import type { Channel } from '../../../domain/channel/channel.entity.ts';
import { type Json, ResourceNotFoundError } from '../../../domain/domain-error.ts';
import type { Execution } from '../../../domain/execution/execution.entity.ts';
import { OpenRouteError } from '../open-errors.ts';
import { readBody } from './read-body.ts';

/** Headers of a workflow's answer that are not its own to set: those of the connection, and those that speak for this server. */
const reserved =
  /^(?:connection|keep-alive|transfer-encoding|content-length|content-encoding|te|trailer|upgrade|date|server|set-cookie|clear-site-data|content-security-policy.*|strict-transport-security|x-frame-options|x-content-type-options|access-control-.*|cross-origin-.*|x-request-id|.*ratelimit.*|service-worker-allowed)$/;

/** Answers requests to channels of kind `http`. */
@Injectable()
export class HttpChannel {
  constructor(private readonly calls: ChannelCalls) {}

  async serve(channel: Channel, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const segments = segmentsBelow(channel, request);
    const path = `/${segments.join('/')}`;
    const { matched, allowed } = matchRoute(channel.routes, request.method, segments);
    if (!matched) throw nothingAt(path, allowed);
    const execution = await this.calls.request(channel, matched.route, toRequest(request, path, matched.params));
    const { response_mode: mode, timeout_seconds: seconds } = matched.route;
    if (mode === 'async') return accepted(reply, request, execution);
    return this.#answer(execution, seconds, request, reply);
  }

  async #answer(
    execution: Execution,
    seconds: number,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<FastifyReply> {
    const gone = new AbortController();
    const leave = (): void => gone.abort();
    reply.raw.once('close', leave);
    const seen = await this.calls.ended(execution, seconds, gone.signal);
    reply.raw.off('close', leave);
    if (!seen.ended && !seen.response) return accepted(reply, request, seen);
    reply.header('X-Execution-Id', seen.id);
    if (seen.response) return respond(reply, seen.response);
    if (seen.status === 'completed') return send(reply.code(200), seen.output ?? null);
    const { code = 'cancelled', message = 'The execution was cancelled.' } = seen.error ?? {};
    throw new OpenRouteError('execution_failed', message, { execution_id: seen.id, reason: code });
  }
}

/** The segments of the path below the channel, decoded: a parameter may hold a slash. */
function segmentsBelow(channel: Channel, request: FastifyRequest): string[] {
  const below = request.url.split('?', 1)[0]!.slice(`/channels/${channel.slug}/`.length);
  try {
    return below.split('/').map(decodeURIComponent);
  } catch {
    throw nothingAt(below, []);
  }
}

function nothingAt(path: string, allowed: readonly string[]): Error {
  if (allowed.length === 0) return new ResourceNotFoundError('route', path);
  const message = `This path takes ${allowed.join(', ')} only.`;
  return new OpenRouteError('method_not_allowed', message, { allow: allowed }, { Allow: allowed.join(', ') });
}

function toRequest(request: FastifyRequest, path: string, params: Readonly<Record<string, string>>): ChannelRequest {
  const headers = Object.entries(request.headers).map(([name, value]) => [name, [value].flat().join(', ')]);
  return {
    method: request.method,
    path,
    params,
    query: { ...(request.query as Record<string, Json>) },
    headers: Object.fromEntries(headers) as Record<string, string>,
    body: readBody(request),
  };
}

function accepted(reply: FastifyReply, request: FastifyRequest, { id, status }: Execution): FastifyReply {
  const meta = { request_id: request.id, timestamp: new Date().toISOString() };
  reply.code(202).header('Location', `/v1/executions/${id}`);
  return send(reply, { data: { execution_id: id, status }, meta });
}

/** What a `respond` node says. */
function respond(reply: FastifyReply, { status, headers, body }: NonNullable<Execution['response']>): FastifyReply {
  for (const [name, value] of Object.entries(headers))
    if (!reserved.test(name.toLowerCase())) reply.header(name, value);
  reply.code(status);
  return send(reply, body);
}

/**
 * Text goes as it is, everything else as JSON. Whoever wrote the workflow may write HTML, and it stands on the origin of
 * the platform: browsers treat it as if it were of an origin of its own, in which nothing runs.
 */
function send(reply: FastifyReply, body: unknown): FastifyReply {
  reply.header('Content-Security-Policy', "sandbox; default-src 'none'").header('X-Content-Type-Options', 'nosniff');
  if ([204, 205, 304].includes(reply.statusCode)) return reply.send();
  if (typeof body === 'string') {
    if (!reply.hasHeader('content-type')) reply.type('text/plain; charset=utf-8');
    return reply.send(body);
  }
  if (!reply.hasHeader('content-type')) reply.type('application/json; charset=utf-8');
  return reply.send(JSON.stringify(body));
}
