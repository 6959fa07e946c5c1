import type * as contract from '#generated/platform/index.ts';
import type { ApiKey } from '../../../domain/api-key/api-key.entity.ts';
import type { ApiKeyChange, ApiKeyWithSecret, NewApiKey } from '../../../domain/api-key/api-key.service.ts';
import { scopeBundles, scopeDescriptions, scopes } from '../../../domain/scope.ts';
import { fromTime, toTime } from '../time.ts';

export function toApiKey(apiKey: ApiKey): contract.ApiKey {
  return {
    id: apiKey.id,
    name: apiKey.name,
    description: apiKey.description ?? null,
    prefix: apiKey.prefix,
    scopes: apiKey.scopes(),
    bundles: apiKey.bundles(),
    status: apiKey.status(),
    created_by: apiKey.createdBy?.id ?? null,
    created_at: apiKey.createdAt.toISOString(),
    expires_at: toTime(apiKey.expiresAt),
    last_used_at: toTime(apiKey.lastUsedAt),
    rotated_at: toTime(apiKey.rotatedAt),
    previous_secret_expires_at: toTime(apiKey.overlapEndsAt()),
    revoked_at: toTime(apiKey.revokedAt),
  };
}

export function toCreatedApiKey({ apiKey, secret }: ApiKeyWithSecret): contract.CreatedApiKey {
  return { api_key: toApiKey(apiKey), secret };
}

export function toNewApiKey({ expires_at, ...rest }: contract.CreateApiKeyRequest): NewApiKey {
  return { ...rest, expiresAt: fromTime(expires_at, 'expires_at', 'body') };
}

export function toApiKeyChange({ expires_at, ...rest }: contract.UpdateApiKeyRequest): ApiKeyChange {
  return { ...rest, expiresAt: fromTime(expires_at, 'expires_at', 'body') };
}

export const scopeCatalogue: contract.ScopeCatalogue = {
  scopes: scopes.map((name) => ({ name, description: scopeDescriptions[name] })),
  bundles: scopeBundles.map(({ name, description, scopes }) => ({ name, description, scopes: [...scopes] })),
};
