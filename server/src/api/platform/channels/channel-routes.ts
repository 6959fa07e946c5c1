import { MikroORM, RequestContext } from '@mikro-orm/postgresql';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Channel } from '../../../domain/channel/channel.entity.ts';
import { ChannelService } from '../../../domain/channel/channel.service.ts';
import { ResourceNotFoundError } from '../../../domain/domain-error.ts';
import { InvalidTokenError } from '../../../domain/session/session.errors.ts';
import { PostgresRateLimiter } from '../../../platform/rate-limit/postgres-rate-limiter.ts';
import { OpenRouteError } from '../open-errors.ts';
import { serveOpenRoutes } from '../open-routes.ts';
import { HttpChannel } from './http-channel.ts';
import { McpChannel } from './mcp-channel.ts';

/**
 * Serves `/channels/<slug>/...`. What stands there is made by the users of the platform, so it is in no contract; refusals
 * have the contract's codes and shapes all the same.
 */
@Injectable()
export class ChannelRoutes implements OnModuleInit {
  constructor(
    private readonly host: HttpAdapterHost,
    private readonly orm: MikroORM,
    private readonly channels: ChannelService,
    private readonly limiter: PostgresRateLimiter,
    private readonly http: HttpChannel,
    private readonly mcp: McpChannel,
  ) {}

  onModuleInit(): void {
    const server = this.host.httpAdapter.getInstance<FastifyInstance>();
    serveOpenRoutes(server, ['/channels/:slug', '/channels/:slug/*'], (request, reply) =>
      RequestContext.create(this.orm.em, () => this.#serve(request, reply)),
    );
  }

  async #serve(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const { slug } = request.params as { slug: string };
    const channel = await this.channels.findEnabled(slug);
    // Those who guess, and those who may call without a token, are counted by address; everyone else by channel.
    if (!channel || channel.authMode === 'public') await this.#count(reply, request.ip);
    if (!channel) throw new ResourceNotFoundError('channel', slug);
    if (!channel.admits(tokenOf(request))) {
      await this.#count(reply, request.ip);
      reply.header('WWW-Authenticate', 'Bearer realm="channel"');
      throw new InvalidTokenError('The token of this channel is missing or wrong. Send it as X-Channel-Token.');
    }
    await this.#count(reply, request.ip, channel);
    return channel.kind === 'mcp' ? this.mcp.serve(channel, request, reply) : this.http.serve(channel, request, reply);
  }

  async #count(reply: FastifyReply, ip: string, channel?: Channel): Promise<void> {
    const { allowed, headers, retryAfter, details } = channel
      ? await this.limiter.consumeBy(channel.id, channel.organisation.plan, 'execute')
      : await this.limiter.consumeFrom(ip, 'execute');
    if (headers) reply.headers(headers);
    if (allowed) return;
    const retry: Record<string, string> = retryAfter === undefined ? {} : { 'Retry-After': String(retryAfter) };
    throw new OpenRouteError('rate_limit_exceeded', 'Too many requests. Wait and try again.', details, retry);
  }
}

function tokenOf({ headers }: FastifyRequest): string | undefined {
  const own = headers['x-channel-token'];
  if (typeof own === 'string') return own;
  return /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1];
}
