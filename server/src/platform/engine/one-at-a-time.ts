import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';

const retryInterval = 50;

/**
 * Runs `work` in one process at a time, under the advisory lock `key`. The lock is tried again and again rather than waited
 * for: a session that waits holds a snapshot, for which CREATE INDEX CONCURRENTLY in the other process would wait in turn.
 */
export async function oneAtATime<T>(url: string, key: number, work: () => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 10_000 });
  client.on('error', () => undefined);
  await client.connect();
  try {
    for (;;) {
      const { rows } = await client.query<{ locked: boolean }>('select pg_try_advisory_lock($1) as locked', [key]);
      if (rows[0]!.locked) break;
      await sleep(retryInterval);
    }
    return await work();
  } finally {
    await client.end().catch(() => undefined);
  }
}
