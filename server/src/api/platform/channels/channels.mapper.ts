import type * as contract from '#generated/platform/index.ts';
import type { ChannelRoute, ChannelTool } from '../../../domain/channel/channel-route.ts';
import type { Channel, ChannelContent } from '../../../domain/channel/channel.entity.ts';
import type { ChannelQuery, ChannelWithToken, NewChannel } from '../../../domain/channel/channel.service.ts';

export function toChannel(channel: Channel): contract.Channel {
  return {
    id: channel.id,
    name: channel.name,
    description: channel.description ?? null,
    kind: channel.kind,
    slug: channel.slug,
    path: `/channels/${channel.slug}${channel.kind === 'mcp' ? '/mcp' : ''}`,
    auth_mode: channel.authMode,
    token_prefix: channel.tokenPrefix,
    enabled: channel.enabled,
    routes: [...channel.routes],
    tools: [...channel.tools],
    created_by: channel.createdBy ?? null,
    created_at: channel.createdAt.toISOString(),
    updated_at: channel.updatedAt.toISOString(),
  };
}

export function toCreatedChannel({ channel, token }: ChannelWithToken): contract.CreatedChannel {
  return { channel: toChannel(channel), token };
}

export function toChannelQuery({
  kind,
  page,
  per_page: perPage,
}: contract.ListChannels.Request['query']): ChannelQuery {
  return { kind, page, perPage };
}

export function toNewChannel({ name, kind, ...rest }: contract.CreateChannelRequest): NewChannel {
  return { ...toChannelChange(rest), name, kind };
}

export function toChannelChange({
  auth_mode: authMode,
  routes,
  tools,
  ...rest
}: contract.UpdateChannelRequest): Partial<ChannelContent> {
  return { ...rest, authMode, routes: routes?.map(toRoute), tools: tools?.map(toTool) };
}

function toRoute({ response_mode = 'async', timeout_seconds = 30, ...rest }: contract.ChannelRoute): ChannelRoute {
  return { ...rest, response_mode, timeout_seconds };
}

function toTool({ timeout_seconds = 60, ...rest }: contract.ChannelTool): ChannelTool {
  return { ...rest, timeout_seconds };
}
