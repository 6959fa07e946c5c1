import { MikroORM, RequestContext } from '@mikro-orm/postgresql';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { RateLimitDecision } from '#runtime/nest/index.ts';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Channel } from '../../../domain/channel/channel.entity.ts';
import { ChannelService } from '../../../domain/channel/channel.service.ts';
import { ResourceNotFoundError } from '../../../domain/domain-error.ts';
import { inTurn } from '../../../domain/tenancy/event-loop-turns.ts';
import { InvalidTokenError } from '../../../domain/session/session.errors.ts';
import type { LimitedOrganisation } from '../../../platform/rate-limit/public-resources.ts';
import { PostgresRateLimiter } from '../../../platform/rate-limit/postgres-rate-limiter.ts';
import { assertWithinLimit } from '../open-limit.ts';
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
    if (!channel) {
      assertWithinLimit(reply, await this.limiter.consumeFrom(request.ip, 'execute'));
      throw new ResourceNotFoundError('channel', slug);
    }
    const owner = ownerOf(channel);
    if (!channel.admits(tokenOf(request))) {
      assertWithinLimit(reply, await this.limiter.consumeRefused(request.ip, owner));
      reply.header('WWW-Authenticate', 'Bearer realm="channel"');
      throw new InvalidTokenError('The token of this channel is missing or wrong. Send it as X-Channel-Token.');
    }
    const isPublic = channel.authMode === 'public';
    const count = (): Promise<RateLimitDecision> =>
      isPublic ? this.limiter.consumePublic(request.ip, 'execute', owner) : this.limiter.consumeBy(owner, 'execute');
    assertWithinLimit(reply, await count());
    return inTurn(owner.organisationId, () =>
      channel.kind === 'mcp'
        ? this.mcp.serve(channel, request, reply, count)
        : this.http.serve(channel, request, reply),
    );
  }
}

function ownerOf({ organisation: { id, plan } }: Channel): LimitedOrganisation {
  return { organisationId: id, plan };
}

function tokenOf({ headers }: FastifyRequest): string | undefined {
  const own = headers['x-channel-token'];
  if (typeof own === 'string') return own;
  return /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1];
}
