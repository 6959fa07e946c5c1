import { Module } from '@nestjs/common';
import { ChannelModule } from '../../../domain/channel/channel.module.ts';
import { RateLimitModule } from '../../../platform/rate-limit/rate-limit.module.ts';
import { ChannelRoutes } from './channel-routes.ts';
import { ChannelsController } from './channels.controller.ts';
import { HttpChannel } from './http-channel.ts';
import { McpChannel } from './mcp-channel.ts';

@Module({
  imports: [ChannelModule, RateLimitModule],
  controllers: [ChannelsController],
  providers: [ChannelRoutes, HttpChannel, McpChannel],
})
export class ChannelsApiModule {}
