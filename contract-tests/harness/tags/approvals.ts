import { approval } from '../resources.ts';
import type { TagRequests } from './tag-requests.ts';

export const approvals: TagRequests = {
  async good(harness) {
    const path = { approval_id: await approval(harness) };
    return {
      listApprovals: {},
      getApproval: { path },
      approveApproval: { path, json: {} },
      declineApproval: { path, json: {} },
    };
  },
  around: {
    approveApproval: async (harness) => ({ path: { approval_id: await approval(harness) } }),
    declineApproval: async (harness) => ({ path: { approval_id: await approval(harness) } }),
  },
};
