import type { Pool, PoolClient } from 'pg';

/** Runs `work` in a transaction of its own. A connection that cannot roll back is closed. */
export async function inTransaction<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let fault: Error | undefined;
  try {
    await client.query('begin');
    const result = await work(client);
    await client.query('commit');
    return result;
  } catch (error) {
    await client.query('rollback').catch((lost: Error) => (fault = lost));
    throw error;
  } finally {
    client.release(fault);
  }
}
