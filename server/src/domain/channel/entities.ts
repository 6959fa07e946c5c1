import { Channel } from './channel.entity.ts';

export const channelEntities = [Channel];
