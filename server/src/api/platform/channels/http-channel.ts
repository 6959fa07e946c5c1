import { Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ChannelCalls, type ChannelRequest } from '../../../domain/channel/channel-calls.ts';
import { matchRoute } from '../../../domain/channel/channel-route.ts';
import type { Channel } from '../../../domain/channel/channel.entity.ts';
import { type Json, ResourceNotFoundError } from '../../../domain/domain-error.ts';
import type { Execution } from '../../../domain/execution/execution.entity.ts';
import { sendAccepted, sendResponse, sendValue } from '../execution-answer.ts';
import { readBody } from '../open-body.ts';
import { OpenRouteError } from '../open-errors.ts';

/** Answers requests to channels of kind `http`. */
@Injectable()
export class HttpChannel {
  constructor(private readonly calls: ChannelCalls) {}

  async serve(channel: Channel, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const segments = segmentsBelow(channel, request);
    const path = `/${segments.join('/')}`;
    const { matched, allowed } = matchRoute(channel.routes, request.method, segments);
    if (!matched) throw nothingAt(path, allowed);
    const received = await toRequest(request, path, matched.params);
    const execution = await this.calls.request(channel, matched.route, received);
    const { response_mode: mode, timeout_seconds: seconds } = matched.route;
    if (mode === 'async') return sendAccepted(request, reply, execution);
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
    const seen = await this.calls.answer(execution, seconds, gone.signal);
    reply.raw.off('close', leave);
    if (!seen.ended && !seen.response) return sendAccepted(request, reply, seen);
    reply.header('X-Execution-Id', seen.id);
    if (seen.response) return sendResponse(reply, seen.response);
    if (seen.status === 'completed') return sendValue(reply.code(200), seen.output ?? 'null');
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

async function toRequest(
  request: FastifyRequest,
  path: string,
  params: Readonly<Record<string, string>>,
): Promise<ChannelRequest> {
  const headers = Object.entries(request.headers).map(([name, value]) => [name, [value].flat().join(', ')]);
  return {
    method: request.method,
    path,
    params,
    query: { ...(request.query as Record<string, Json>) },
    headers: Object.fromEntries(headers) as Record<string, string>,
    body: await readBody(request),
  };
}
