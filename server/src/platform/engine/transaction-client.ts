import type { EntityManager } from '@mikro-orm/postgresql';
import { CompiledQuery, type Transaction } from 'kysely';
import type { ClientBase } from 'pg';

/** The open transaction of `em`; throws outside of one. */
export function transactionOf(em: EntityManager): Transaction<unknown> {
  const transaction: unknown = em.getTransactionContext();
  if (!transaction) throw new Error('A run is submitted in a transaction only. Wrap the call in em.transactional().');
  return transaction as Transaction<unknown>;
}

/** The transaction as the `pg` client that the engine's library asks for; it uses `query(text, values)` and no more. */
export function clientOf(transaction: Transaction<unknown>): ClientBase {
  const query = async (text: string, values: unknown[] = []): Promise<{ rows: unknown[]; rowCount: number }> => {
    const { rows, numAffectedRows } = await transaction.executeQuery(CompiledQuery.raw(text, values));
    return { rows, rowCount: Number(numAffectedRows ?? rows.length) };
  };
  return { query } as unknown as ClientBase;
}
