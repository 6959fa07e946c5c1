import type { ApiCaller } from '../contract-harness.ts';
import { credential, freshName } from '../resources.ts';
import type { TagRequests } from './tag-requests.ts';

const values = { type: 'bearer', token: 'a token' };

export const credentials: TagRequests = {
  async good(harness) {
    const path = await freshCredential(harness);
    return {
      listCredentials: {},
      createCredential: { json: { name: 'matrix', values } },
      getCredential: { path },
      updateCredential: { path, json: { description: 'Matrix' } },
      deleteCredential: { path },
    };
  },
  writes: ['credential'],
  idempotent: {
    createCredential: async () => {
      const name = freshName();
      return { first: { json: { name, values } }, other: { name, values, description: 'other' } };
    },
  },
  around: {
    updateCredential: async (harness) => ({ path: await freshCredential(harness) }),
  },
};

async function freshCredential(harness: ApiCaller): Promise<{ credential_id: string }> {
  return { credential_id: (await credential(harness, values)).id };
}
