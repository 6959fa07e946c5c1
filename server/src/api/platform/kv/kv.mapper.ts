import type * as contract from '#generated/platform/index.ts';
import type { KvPlace, KvValue } from '../../../domain/kv/kv.service.ts';
import type { KvEntry } from '../../../domain/kv/kv-entry.entity.ts';
import { toTime } from '../time.ts';

export function toKvEntrySummary(entry: KvEntry): contract.KvEntrySummary {
  return {
    key: entry.key,
    scope: entry.scope,
    scope_id: entry.scope === 'organisation' ? null : entry.scopeId,
    version: entry.version,
    size: entry.size,
    expires_at: toTime(entry.expiresAt),
    created_at: entry.createdAt.toISOString(),
    updated_at: entry.updatedAt.toISOString(),
  };
}

export function toKvEntry({ entry, value }: KvValue): contract.KvEntry {
  return { ...toKvEntrySummary(entry), value };
}

export function placeOf(
  organisationId: string,
  { scope, scope_id: scopeId }: { scope: contract.KvScope; scope_id?: string },
): KvPlace {
  return { organisationId, scope, scopeId };
}
