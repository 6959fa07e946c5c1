import { apiKey } from './resources.ts';
import type { CallOptions, ContractHarness } from './contract-harness.ts';
import { goodRequests } from './tags/index.ts';

/** Everything that a request of the matrix may need, made through the API. */
export interface Fixture {
  /** One good request per operation; its effects are harmless to the others unless it is sent. */
  requests: Record<string, CallOptions>;
  keys: Record<'invalid_api_key' | 'expired_api_key' | 'revoked_api_key' | 'workflowsOnly' | 'apiKeysOnly', string>;
  /** A second organisation. */
  stranger: { apiKey: string };
}

export async function createFixture(harness: ContractHarness): Promise<Fixture> {
  const stranger = await harness.server.createOrganisation();
  return { requests: await goodRequests(harness), keys: await refusedKeys(harness), stranger };
}

async function refusedKeys(harness: ContractHarness): Promise<Fixture['keys']> {
  const expiresAt = Date.now() + 1_000;
  const expired = await apiKey(harness, { scopes: ['workflows:read'], expires_at: new Date(expiresAt).toISOString() });
  const revoked = await apiKey(harness, { scopes: ['workflows:read'] });
  await harness.call('revokeApiKey', { path: { api_key_id: revoked.id } });
  const workflowsOnly = await apiKey(harness, { scopes: ['workflows:read'] });
  const apiKeysOnly = await apiKey(harness, { scopes: ['api-keys:read'] });
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, expiresAt - Date.now() + 50)));
  return {
    invalid_api_key: `fp_live_${'A'.repeat(32)}`,
    expired_api_key: expired.secret,
    revoked_api_key: revoked.secret,
    workflowsOnly: workflowsOnly.secret,
    apiKeysOnly: apiKeysOnly.secret,
  };
}
