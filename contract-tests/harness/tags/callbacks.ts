import { callback } from '../resources.ts';
import type { TagRequests } from './tag-requests.ts';

export const callbacks: TagRequests = {
  async good(harness) {
    return { sendCallback: { path: { callback_token: await callback(harness) }, json: {} } };
  },
  shared: ['sendCallback'],
  around: {
    sendCallback: async (harness) => ({ path: { callback_token: await callback(harness) } }),
  },
};
