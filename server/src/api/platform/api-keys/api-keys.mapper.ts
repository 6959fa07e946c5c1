import type * as contract from '#generated/platform/index.ts';
import type { ApiKey } from '../../../domain/api-key/api-key.entity.ts';
import type { ApiKeyChange, ApiKeyWithSecret, NewApiKey } from '../../../domain/api-key/api-key.service.ts';
import type { RequestLimits } from '../../../domain/api-key/request-limits.ts';
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
    rate_limits: toRateLimits(apiKey.requestLimits()),
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

export function toNewApiKey({ name, ...rest }: contract.CreateApiKeyRequest): NewApiKey {
  return { ...toApiKeyChange(rest), name };
}

export function toApiKeyChange({ expires_at, rate_limits, ...rest }: contract.UpdateApiKeyRequest): ApiKeyChange {
  const requestLimits = rate_limits && { perMinute: rate_limits.per_minute, perDay: rate_limits.per_day };
  return { ...rest, requestLimits, expiresAt: fromTime(expires_at, 'expires_at', 'body') };
}

function toRateLimits({ perMinute, perDay }: RequestLimits): contract.ApiKeyRateLimits {
  return { per_minute: perMinute, per_day: perDay };
}

export const scopeCatalogue: contract.ScopeCatalogue = {
  scopes: scopes.map((name) => ({ name, description: scopeDescriptions[name] })),
  bundles: scopeBundles.map(({ name, description, scopes }) => ({ name, description, scopes: [...scopes] })),
};
