import { importOnce } from '../../../server/test/import-once.ts';
import type { ContractHarness } from '../contract-harness.ts';
import type { TagRequests } from './tag-requests.ts';

export const auth: TagRequests = {
  async good({ server }) {
    const { email, password } = server.admin;
    return {
      login: { json: { email, password } },
      refreshSession: { json: { refresh_token: `fpr_${'A'.repeat(43)}` } },
      requestPasswordReset: { json: { email } },
      confirmPasswordReset: { json: { token: `fp_reset_${'A'.repeat(43)}`, password } },
      logout: {},
      getCurrentUser: {},
    };
  },
  around: {
    async login({ server }, example) {
      const { email, password } = server.admin;
      return { json: { ...example, email, password } };
    },
    async confirmPasswordReset(harness, example) {
      const { password } = harness.server.admin;
      return { json: { ...example, token: await resetToken(harness), password } };
    },
    async refreshSession(harness, example) {
      const { email, password } = harness.server.admin;
      const session = await harness.call('login', { json: { email, password } });
      return { json: { ...example, refresh_token: session.body.data.refresh_token } };
    },
  },
};

const passwordResetTokens = () =>
  importOnce<typeof import('../../../server/src/domain/password-reset/password-reset-tokens.ts')>(
    new URL('../../../server/src/domain/password-reset/password-reset-tokens.ts', import.meta.url),
  );

/** A token that sets the administrator's password, as a mail would have it. */
export async function resetToken({ server }: ContractHarness): Promise<string> {
  const { PasswordResetTokens } = await passwordResetTokens();
  const [user] = await server.sql<{ id: string }>('select id from user_account where email = $1', [server.admin.email]);
  return (await server.app.get(PasswordResetTokens).issue(user!.id)).token;
}
