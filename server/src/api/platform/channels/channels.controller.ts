import { Controller } from '@nestjs/common';
import * as contract from '#generated/platform/index.ts';
import type { Caller } from '../../../domain/caller.ts';
import { ChannelService } from '../../../domain/channel/channel.service.ts';
import { CurrentCaller } from '../../../platform/auth/current-caller.ts';
import { toPagePagination } from '../page-pagination.ts';
import { toChannel, toChannelChange, toChannelQuery, toCreatedChannel, toNewChannel } from './channels.mapper.ts';

@Controller()
export class ChannelsController implements contract.ChannelsController {
  constructor(private readonly channels: ChannelService) {}

  @contract.ListChannels()
  async listChannels(
    { query }: contract.ListChannels.Request,
    @CurrentCaller() caller: Caller,
  ): Promise<contract.ListChannels.Response> {
    const { items, total } = await this.channels.list(caller.organisationId, toChannelQuery(query));
    const pagination = toPagePagination(query.page, query.per_page, total);
    return contract.ListChannels.respond(200, { data: items.map(toChannel), pagination });
  }

  @contract.CreateChannel()
  async createChannel(
    { body }: contract.CreateChannel.Request,
    @CurrentCaller() caller: Caller,
  ): Promise<contract.CreateChannel.Response> {
    const created = await this.channels.create(caller, toNewChannel(body));
    const headers = { Location: `/v1/channels/${created.channel.id}` };
    return contract.CreateChannel.respond(201, { data: toCreatedChannel(created) }, headers);
  }

  @contract.GetChannel()
  async getChannel(
    { path }: contract.GetChannel.Request,
    @CurrentCaller() caller: Caller,
  ): Promise<contract.GetChannel.Response> {
    const channel = await this.channels.get(caller.organisationId, path.channel_id);
    return contract.GetChannel.respond(200, { data: toChannel(channel) });
  }

  @contract.UpdateChannel()
  async updateChannel(
    { path, body }: contract.UpdateChannel.Request,
    @CurrentCaller() caller: Caller,
  ): Promise<contract.UpdateChannel.Response> {
    const channel = await this.channels.update(caller, path.channel_id, toChannelChange(body));
    return contract.UpdateChannel.respond(200, { data: toChannel(channel) });
  }

  @contract.DeleteChannel()
  async deleteChannel(
    { path }: contract.DeleteChannel.Request,
    @CurrentCaller() caller: Caller,
  ): Promise<contract.DeleteChannel.Response> {
    await this.channels.delete(caller.organisationId, path.channel_id);
    return contract.DeleteChannel.respond(204);
  }

  @contract.RotateChannelToken()
  async rotateChannelToken(
    { path }: contract.RotateChannelToken.Request,
    @CurrentCaller() caller: Caller,
  ): Promise<contract.RotateChannelToken.Response> {
    const rotated = await this.channels.rotateToken(caller, path.channel_id);
    return contract.RotateChannelToken.respond(200, { data: toCreatedChannel(rotated) });
  }
}
