import type { TagRequests } from './tag-requests.ts';

export const auth: TagRequests = {
  async good({ server }) {
    const { email, password } = server.admin;
    return {
      login: { json: { email, password } },
      refreshSession: { json: { refresh_token: `fpr_${'A'.repeat(43)}` } },
      logout: {},
      getCurrentUser: {},
    };
  },
  around: {
    async login({ server }, example) {
      const { email, password } = server.admin;
      return { json: { ...example, email, password } };
    },
    async refreshSession(harness, example) {
      const { email, password } = harness.server.admin;
      const session = await harness.call('login', { json: { email, password } });
      return { json: { ...example, refresh_token: session.body.data.refresh_token } };
    },
  },
};
