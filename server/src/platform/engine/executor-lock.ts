import { Client } from 'pg';
import { failpoint } from '../../domain/failpoints.ts';
import { isPassing } from '../../domain/passing-error.ts';

/** Seed of the lock keys, so that they do not meet other users of advisory locks. */
const lockSeed = 7_411;
const lock = `hashtextextended($1, ${lockSeed})`;

/** How long after a lost connection other processes get to take their locks again, before theirs count as free. */
const settling = 3_000;

/** What the lock tells the engine. */
export interface ExecutorLockListener {
  /** Once a second, for the work that needs no connection of its own. */
  tick(query: (text: string, values: unknown[]) => Promise<Record<string, unknown>[]>): Promise<void>;
  /** Another process says something on one of the channels. */
  heard(channel: string, payload: string): void;
  /** The lock was lost for a while; others may have taken this process for dead. It counts as held after the next tick. */
  retaken(): Promise<void>;
  warn(message: string, error: unknown): void;
}

/**
 * Proves to the other processes that this one lives: a PostgreSQL session that holds an advisory lock named after the
 * executor. The same session looks for executors whose lock is free and hands their runs back to the queue.
 */
export class ExecutorLock {
  readonly #url: string;
  readonly #executorId: string;
  readonly #standstill: number;
  readonly #channels: readonly string[];
  readonly #listener: ExecutorLockListener;
  #client: Client | undefined;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;
  #failing = false;
  #sweepFrom = 0;
  /** When the last query began that the session answered: monotonic, and by the clock, which also counts sleep of the machine. */
  #heldAt = { monotonic: -Infinity, clock: -Infinity };
  /** Whether others may have taken over what this process runs, and it has not asked since. */
  #isUnsure = false;
  #beat: Promise<void> = Promise.resolve();

  /** Listens to the channels. A process that stands still for `standstill` milliseconds counts as dead: the server ends its session, which frees its lock. */
  constructor(
    url: string,
    executorId: string,
    standstill: number,
    channels: readonly string[],
    listener: ExecutorLockListener,
  ) {
    this.#url = url;
    this.#channels = channels;
    this.#executorId = executorId;
    this.#standstill = standstill;
    this.#listener = listener;
  }

  /** Takes the lock, which comes before any run is taken up; throws when the database cannot be reached. */
  async take(): Promise<void> {
    await this.#connect();
  }

  /**
   * Whether nobody can have taken over what this process runs: its session has answered lately enough. A process that
   * stood still learns from this that it has to ask before it does anything.
   */
  get isHeld(): boolean {
    const patience = this.#standstill * 0.7;
    const { monotonic, clock } = this.#heldAt;
    if (this.#client === undefined || this.#isUnsure) return false;
    return performance.now() - monotonic < patience && Math.abs(Date.now() - clock) < patience;
  }

  /** Begins to look after the others, once the tables of the engine are there. */
  watch(): void {
    this.#schedule();
  }

  /** Gives the lock back, so that others take up what this process leaves. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#beat;
    await this.#client?.end().catch(() => undefined);
    this.#client = undefined;
  }

  async #connect(): Promise<void> {
    const client = new Client({
      connectionString: this.#url,
      application_name: `flowpact_executor_${this.#executorId}`,
      connectionTimeoutMillis: 5_000,
      query_timeout: 5_000,
    });
    client.on('error', (error) => this.#lost(client, error));
    client.on('end', () => this.#lost(client, undefined));
    client.on('notification', ({ channel, payload }) => payload && this.#listener.heard(channel, payload));
    try {
      await client.connect();
      await client.query(`set idle_session_timeout = ${this.#standstill}`);
      await client.query(`select pg_advisory_lock(${lock})`, [this.#executorId]);
      const at = { monotonic: performance.now(), clock: Date.now() };
      await client.query(this.#channels.map((channel) => `listen ${channel}`).join('; '));
      this.#heldAt = at;
      this.#client = client;
    } catch (error) {
      await client.end().catch(() => undefined);
      throw error;
    }
  }

  #lost(client: Client, error: unknown): void {
    if (this.#client !== client) return;
    this.#client = undefined;
    this.#isUnsure = true;
    this.#sweepFrom = Date.now() + settling;
    if (!this.#stopped)
      this.#listener.warn('The connection that holds the executor lock was lost; it is taken again.', error);
  }

  #schedule(): void {
    this.#timer = setTimeout(() => {
      this.#beat = this.#run().finally(() => this.#stopped || this.#schedule());
    }, 500);
  }

  async #run(): Promise<void> {
    try {
      if (!this.#client) {
        await this.#connect();
        await this.#listener.retaken();
        this.#sweepFrom = Date.now() + settling;
      }
      const client = this.#client!;
      await this.#listener.tick(async (text, values) => {
        const at = { monotonic: performance.now(), clock: Date.now() };
        const { rows } = await client.query(text, values);
        this.#heldAt = at;
        return rows;
      });
      // Only now is it known which runs and places are still this process's.
      this.#isUnsure = false;
      if (Date.now() >= this.#sweepFrom) await this.#takeOver(client);
      this.#failing = false;
    } catch (error) {
      // Said once per outage, not twice a second.
      if (!this.#stopped && !this.#failing)
        this.#listener.warn('Looking after the runs failed; it is tried again.', error);
      this.#failing = true;
    }
  }

  /** One that cannot be helped keeps no other from it; it is found again by the next look. */
  async #takeOver(client: Client): Promise<void> {
    const known = [this.#executorId];
    let fault: unknown;
    for (let dead = await lockDead(client, known); dead !== undefined; dead = await lockDead(client, known)) {
      known.push(dead);
      try {
        await takeOver(client, dead);
      } catch (error) {
        if (isPassing(error)) throw error;
        fault ??= error;
      } finally {
        await client.query(`select pg_advisory_unlock(${lock})`, [dead]);
      }
    }
    if (fault) throw fault;
  }
}

/**
 * One executor that has runs or places and whose lock is free, other than those that are `known`: its lock is taken, once. The
 * list is materialised because PostgreSQL would otherwise try the lock for each run, and a lock that was taken many times is
 * not free after it was given back once.
 */
async function lockDead(client: Client, known: readonly string[]): Promise<string | undefined> {
  const { rows } = await client.query<{ executor_id: string }>(
    `with other as materialized (
       select executor_id from dbos.workflow_status where status = 'PENDING' and executor_id <> all($1)
       union select executor_id from dbos.flowpact_place where executor_id <> all($1)
     )
     select executor_id from other where pg_try_advisory_lock(hashtextextended(executor_id, ${lockSeed})) limit 1`,
    [known],
  );
  return rows[0]?.executor_id;
}

/**
 * Back to the queue rather than straight to this process: the queue hands each run to exactly one process, and shares
 * the load of a dead one among all. Rows that a standing process has locked in mid-transaction come later, when the
 * server has ended that session too.
 */
async function takeOver(client: Client, executorId: string): Promise<void> {
  failpoint('take-over.found');
  await client.query(
    `update dbos.workflow_status
        set status = 'ENQUEUED', owner_xid = null, started_at_epoch_ms = null,
            updated_at = (extract(epoch from now()) * 1000)::bigint
      where workflow_uuid in (
        select workflow_uuid from dbos.workflow_status where status = 'PENDING' and executor_id = $1 for update skip locked)`,
    [executorId],
  );
  failpoint('take-over.queued');
  await client.query('delete from dbos.flowpact_place where executor_id = $1', [executorId]);
}
