import type { Pool } from 'pg';
import type { Json } from '../../domain/domain-error.ts';
import { failpoint } from '../../domain/failpoints.ts';
import { inTransaction } from './in-transaction.ts';
import { lineChannel } from './line.ts';

/** A connection, or the transaction that somebody else has opened. */
interface Queries {
  query(text: string, values: unknown[]): Promise<{ rows: Record<string, unknown>[] }>;
}

/** Tells processes at once which message has come; they look for themselves as well. */
interface Arrivals {
  registerCallback(key: string, arrived: () => void): object;
  deregisterCallback(registration: never): void;
}

/** How often a run that waits looks for itself, should the news get lost. */
const lookInterval = 1_000;

const activeStatuses = `('PENDING', 'ENQUEUED', 'DELAYED')`;

/**
 * The signals of runs, kept in the messages of DBOS and read without its `recv`, whose polling outlives the run in this
 * process and would take the message from the process that goes on with it. The first message of a name is the signal;
 * it stays where it is, so that reading it twice gives the same.
 */
export class Signals {
  readonly #pool: Pool;
  readonly #arrivals: Arrivals;

  constructor(pool: Pool, arrivals: Arrivals) {
    this.#pool = pool;
    this.#arrivals = arrivals;
  }

  /** In a transaction: the lock makes a run that is about to be suspended see the signal, or the signal see the suspended run. */
  async send(transaction: Queries, runId: string, name: string, payload: Json): Promise<void> {
    await lock(transaction, runId);
    failpoint('signal.locked');
    await transaction.query(
      `insert into dbos.notifications (destination_uuid, topic, message, serialization, message_uuid)
       select workflow_uuid, $2, $3, 'json', workflow_uuid || '::' || $2 from dbos.workflow_status
        where workflow_uuid = $1 and status in ${activeStatuses}
       on conflict do nothing`,
      [runId, name, JSON.stringify(payload)],
    );
    failpoint('signal.stored');
    await resume(transaction, runId);
    failpoint('signal.resumed');
  }

  /** Lets a suspended run go on; in a transaction, as `send`. */
  async wake(transaction: Queries, runId: string): Promise<boolean> {
    await lock(transaction, runId);
    return resume(transaction, runId);
  }

  /** As `send` and `wake`, in a transaction of its own. */
  async inTransaction<T>(work: (transaction: Queries) => Promise<T>): Promise<T> {
    return inTransaction(this.#pool, (client) => work(client as Queries));
  }

  /** The payload of the signal, in an object of its own since it may be null; null at `timeoutAt`. Throws the reason of `signal`. */
  async receive(
    runId: string,
    name: string,
    timeoutAt: number | undefined,
    signal: AbortSignal,
  ): Promise<{ payload: Json } | null> {
    for (;;) {
      const hint = Promise.withResolvers<void>();
      // It may be rejected while something else is awaited.
      hint.promise.catch(() => undefined);
      const registration = this.#arrivals.registerCallback(`${runId}::${name}`, () => hint.resolve());
      const onAbort = (): void => hint.reject(signal.reason as Error);
      signal.addEventListener('abort', onAbort);
      let timer: NodeJS.Timeout | undefined;
      try {
        signal.throwIfAborted();
        const message = await this.#message(runId, name);
        if (message) return message;
        const left = (timeoutAt ?? Infinity) - Date.now();
        if (left <= 0) return null;
        timer = setTimeout(() => hint.resolve(), Math.min(left, lookInterval));
        await hint.promise;
      } finally {
        clearTimeout(timer);
        signal.removeEventListener('abort', onAbort);
        this.#arrivals.deregisterCallback(registration as never);
      }
    }
  }

  async #message(runId: string, name: string): Promise<{ payload: Json } | undefined> {
    const { rows } = await this.#pool.query<{ message: string }>(
      `select message from dbos.notifications where destination_uuid = $1 and topic = $2
        order by created_at_epoch_ms, message_uuid limit 1`,
      [runId, name],
    );
    return rows[0] && { payload: JSON.parse(rows[0].message) as Json };
  }
}

async function lock(queries: Queries, runId: string): Promise<void> {
  await queries.query('select 1 from dbos.workflow_status where workflow_uuid = $1 for no key update', [runId]);
}

/** Answers whether the run was suspended. */
async function resume(queries: Queries, runId: string): Promise<boolean> {
  // Processes hear of it with the commit, and one that has room takes the run up.
  const { rows } = await queries.query(
    `with woken as (
       update dbos.workflow_status
          set status = 'ENQUEUED', delay_until_epoch_ms = null, updated_at = (extract(epoch from now()) * 1000)::bigint
        where workflow_uuid = $1 and status = 'DELAYED'
       returning authenticated_user as tenant
     )
     select pg_notify($2, tenant) from woken`,
    [runId, lineChannel],
  );
  return rows.length > 0;
}
