import type { EntityManager } from '@mikro-orm/postgresql';
import { CompiledQuery, type Transaction } from 'kysely';
import type { ClientBase } from 'pg';
import { type PreparedQuery, runPrepared } from '../../domain/prepared-query.ts';

/** Runs a statement and answers with its rows. */
export type RunStatement = <Row extends object>(statement: PreparedQuery, values: unknown[]) => Promise<readonly Row[]>;

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

/** In the transaction of `em`, or outside of any. Throws what the ORM makes of errors of the database. */
export function queryOf(em: EntityManager, transaction: Transaction<unknown> | undefined): RunStatement {
  return async <Row extends object>(statement: PreparedQuery, values: unknown[]) => {
    try {
      if (!transaction) return await runPrepared<Row>(em, statement, values);
      return (await transaction.executeQuery<Row>(CompiledQuery.raw(statement.text, values))).rows;
    } catch (error) {
      throw em.getDriver().convertException(error as Error);
    }
  };
}
