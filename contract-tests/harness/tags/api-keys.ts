import type { ApiCaller } from '../contract-harness.ts';
import { apiKey } from '../resources.ts';
import type { TagRequests } from './tag-requests.ts';

export const apiKeys: TagRequests = {
  async good(harness) {
    const path = await freshKey(harness);
    return {
      listApiKeys: {},
      createApiKey: { json: { name: 'Matrix', scopes: ['workflows:read'] } },
      getApiKey: { path },
      updateApiKey: { path, json: { name: 'Matrix' } },
      rotateApiKey: { path, json: {} },
      revokeApiKey: { path },
      listScopes: {},
    };
  },
  writes: ['api_key'],
  idempotent: {
    createApiKey: async () => ({
      first: { json: { name: 'A', scopes: ['workflows:read'] } },
      other: { name: 'B', scopes: ['workflows:read'] },
    }),
    rotateApiKey: async (harness) => ({
      first: { path: await freshKey(harness), json: { overlap_seconds: 1 } },
      other: { overlap_seconds: 2 },
    }),
  },
  around: {
    updateApiKey: async (harness) => ({ path: await freshKey(harness) }),
    rotateApiKey: async (harness) => ({ path: await freshKey(harness) }),
  },
};

async function freshKey(harness: ApiCaller): Promise<{ api_key_id: string }> {
  return { api_key_id: (await apiKey(harness, { scopes: ['workflows:read'] })).id };
}
