import type { TagRequests } from './tag-requests.ts';

export const usage: TagRequests = {
  async good() {
    return { getUsage: {} };
  },
};
