import type { TagRequests } from './tag-requests.ts';

export const health: TagRequests = {
  async good() {
    return { getHealth: {}, getLiveness: {}, getReadiness: {} };
  },
};
