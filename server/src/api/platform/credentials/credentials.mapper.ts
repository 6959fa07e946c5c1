import type * as contract from '#generated/platform/index.ts';
import type { Credential } from '../../../domain/vault/credential.entity.ts';
import type { CredentialChange, NewCredential } from '../../../domain/vault/credential.service.ts';
import { expiryStatus } from '../../../domain/vault/secret.entity.ts';
import { fromTime, toTime } from '../time.ts';

export function toCredential(credential: Credential): contract.Credential {
  return {
    id: credential.id,
    name: credential.name,
    type: credential.type,
    description: credential.description ?? null,
    status: expiryStatus(credential.expiresAt),
    expires_at: toTime(credential.expiresAt),
    last_used_at: toTime(credential.lastUsedAt),
    created_at: credential.createdAt.toISOString(),
    updated_at: credential.updatedAt.toISOString(),
  };
}

export function toNewCredential({ expires_at, ...rest }: contract.CreateCredentialRequest): NewCredential {
  return { ...rest, expiresAt: fromTime(expires_at, 'expires_at', 'body') };
}

export function toCredentialChange({ expires_at, ...rest }: contract.UpdateCredentialRequest): CredentialChange {
  return { ...rest, expiresAt: fromTime(expires_at, 'expires_at', 'body') };
}
