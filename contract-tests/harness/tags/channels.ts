import type { ApiCaller } from '../contract-harness.ts';
import { publishedWorkflow } from '../resources.ts';
import type { TagRequests } from './tag-requests.ts';

export const channels: TagRequests = {
  async good(harness) {
    const path = await channel(harness);
    return {
      listChannels: {},
      createChannel: { json: { name: 'Matrix', kind: 'http' } },
      getChannel: { path },
      updateChannel: { path, json: { name: 'Matrix' } },
      deleteChannel: { path },
      rotateChannelToken: { path },
    };
  },
  writes: ['channel'],
  idempotent: {
    createChannel: async () => ({
      first: { json: { name: 'A', kind: 'http' } },
      other: { name: 'B', kind: 'mcp' },
    }),
  },
  around: {
    async createChannel(harness, { routes: [route], ...example }) {
      const workflow_id = await publishedWorkflow(harness);
      return { json: { ...example, routes: [{ ...route, workflow_id }] } };
    },
    updateChannel: async (harness) => ({ path: await channel(harness) }),
  },
};

async function channel(harness: ApiCaller): Promise<{ channel_id: string }> {
  const { body } = await harness.call('createChannel', { json: { name: 'Fixture', kind: 'http' } });
  return { channel_id: body.data.channel.id };
}
