import { group } from '../resources.ts';
import type { TagRequests } from './tag-requests.ts';

export const groups: TagRequests = {
  async good(harness) {
    const path = { group_id: await group(harness) };
    return {
      listGroups: {},
      createGroup: { json: { name: 'Matrix' } },
      getGroup: { path },
      updateGroup: { path, json: { name: 'Matrix' } },
      deleteGroup: { path },
    };
  },
  writes: ['workflow_group'],
  idempotent: {
    createGroup: async () => ({ first: { json: { name: 'A' } }, other: { name: 'B' } }),
  },
  around: {
    updateGroup: async (harness) => ({ path: { group_id: await group(harness) } }),
  },
};
