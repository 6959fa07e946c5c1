import type * as contract from '#generated/platform/index.ts';
import { expiryStatus, type Secret } from '../../../domain/vault/secret.entity.ts';
import type { NewSecret, SecretChange } from '../../../domain/vault/secret.service.ts';
import { fromTime, toTime } from '../time.ts';

export function toSecret(secret: Secret): contract.Secret {
  return {
    id: secret.id,
    name: secret.name,
    description: secret.description ?? null,
    tags: secret.tags,
    status: expiryStatus(secret.expiresAt),
    version: secret.version,
    expires_at: toTime(secret.expiresAt),
    last_used_at: toTime(secret.lastUsedAt),
    created_at: secret.createdAt.toISOString(),
    updated_at: secret.updatedAt.toISOString(),
  };
}

export function toNewSecret({ expires_at, ...rest }: contract.CreateSecretRequest): NewSecret {
  return { ...rest, expiresAt: fromTime(expires_at, 'expires_at', 'body') };
}

export function toSecretChange({ expires_at, ...rest }: contract.UpdateSecretRequest): SecretChange {
  return { ...rest, expiresAt: fromTime(expires_at, 'expires_at', 'body') };
}
