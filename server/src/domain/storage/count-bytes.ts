import type { EntityManager } from '@mikro-orm/postgresql';
import { storageKinds, type StoredBytes } from './storage-kinds.ts';

/**
 * Counts bytes that an organisation stores more, or less where they are negative, in the transaction of `em`: for changes of
 * executions, which no trigger sees because most come from a statement that is to cost little.
 */
export async function countBytes(
  em: EntityManager,
  organisationId: string,
  bytes: Partial<StoredBytes>,
): Promise<void> {
  const kinds = storageKinds.filter((kind) => bytes[kind]);
  if (kinds.length === 0) return;
  await em.execute(
    `insert into storage_change (organisation_id, id, ${kinds.join(', ')})
     values (?, nextval('storage_change_id')${', ?'.repeat(kinds.length)})`,
    [organisationId, ...kinds.map((kind) => bytes[kind])],
  );
}
