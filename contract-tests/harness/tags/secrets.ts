import type { ApiCaller } from '../contract-harness.ts';
import { freshName, secret } from '../resources.ts';
import type { TagRequests } from './tag-requests.ts';

export const secrets: TagRequests = {
  async good(harness) {
    const path = await freshSecret(harness);
    return {
      listSecrets: {},
      createSecret: { json: { name: 'MATRIX', value: 'matrix' } },
      getSecret: { path },
      updateSecret: { path, json: { description: 'Matrix' } },
      deleteSecret: { path },
    };
  },
  writes: ['secret'],
  idempotent: {
    createSecret: async () => {
      const name = freshName();
      return { first: { json: { name, value: 'first' } }, other: { name, value: 'other' } };
    },
  },
  around: {
    updateSecret: async (harness) => ({ path: await freshSecret(harness) }),
  },
};

async function freshSecret(harness: ApiCaller): Promise<{ secret_name: string }> {
  return { secret_name: await secret(harness) };
}
