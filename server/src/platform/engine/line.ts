import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import { failpoint } from '../../domain/failpoints.ts';
import type { Places } from './places.ts';

/** Runs taken up in one statement at most. */
const batchSize = 100;
/** Tenants that one sweep finds at most; the others are found when these have fewer waiting. */
const tenantsAtOnce = 1_000;
/** Milliseconds in which news for other processes are gathered. */
const coalesce = 5;

/** NOTIFY channel on which a process tells the others that runs of the tenant wait which it does not take up itself. */
export const lineChannel = 'flowpact_line';

/** The queue is named in the text, so that the index of those that wait serves. */
const claim = `
with first as (
  select workflow_uuid from dbos.workflow_status
   where status = 'ENQUEUED' and queue_name = 'executions' and authenticated_user = $1
   order by priority, created_at, workflow_uuid limit $2 for update skip locked
)
update dbos.workflow_status run set status = 'PENDING', executor_id = $3, owner_xid = $4,
  started_at_epoch_ms = (extract(epoch from now()) * 1000)::bigint,
  recovery_attempts = recovery_attempts + 1, updated_at = (extract(epoch from now()) * 1000)::bigint
from first where run.workflow_uuid = first.workflow_uuid
returning run.workflow_uuid as id, priority, created_at`;

/** One index seek per tenant that waits, however long its line is. */
const tenants = `
with recursive waiting as (
  (select authenticated_user as tenant from dbos.workflow_status
    where status = 'ENQUEUED' and queue_name = 'executions' order by authenticated_user limit 1)
  union all
  select (select authenticated_user from dbos.workflow_status
           where status = 'ENQUEUED' and queue_name = 'executions' and authenticated_user > waiting.tenant
           order by authenticated_user limit 1)
    from waiting where waiting.tenant is not null
)
select tenant from waiting where tenant is not null limit ${tenantsAtOnce}`;

export interface LineOptions {
  readonly pool: Pool;
  readonly executorId: string;
  readonly places: Places;
  /** How many more runs this process takes, of one tenant where one is named; undefined when it takes none at all. */
  readonly room: (tenant?: string) => number | undefined;
  /** Starts runs that are this process's own now, each with a place of the tenant, under the token that says so. */
  readonly start: (runIds: readonly string[], token: string, tenant: string) => Promise<void>;
  readonly warn: (message: string, error: unknown) => void;
}

/**
 * The runs that wait for a process to take them up, a line per tenant. Whoever has a free place of the tenant and room
 * takes the first; tenants take turns where room is scarce.
 */
export class Line {
  readonly #options: LineOptions;
  /** Tenants that may have somebody waiting; those that were served last come last. */
  readonly #waiting = new Set<string>();
  readonly #served = new Map<string, Promise<void>>();
  readonly #again = new Set<string>();
  /** Tenants that have no place left; asked for again when somebody says so, and at every sweep. */
  readonly #full = new Set<string>();
  readonly #news = new Set<string>();
  #telling: NodeJS.Timeout | undefined;

  constructor(options: LineOptions) {
    this.#options = options;
  }

  /** Whether runs of the tenant may wait already, so that one that comes now has to wait behind them. */
  has(tenant: string): boolean {
    return this.#waiting.has(tenant);
  }

  /** A run of the tenant waits; `tell` says that other processes are to hear of it where this one does not take it up. */
  look(tenant: string, tell: boolean): void {
    // To the end, since it is served now.
    this.#waiting.delete(tenant);
    this.#waiting.add(tenant);
    this.#full.delete(tenant);
    if (this.#options.room() === undefined) {
      if (tell) this.#tell(tenant);
      return;
    }
    if (this.#served.has(tenant)) {
      this.#again.add(tenant);
      return;
    }
    const serving = this.#serve(tenant, tell).finally(() => {
      this.#served.delete(tenant);
      if (this.#again.delete(tenant)) this.look(tenant, false);
    });
    this.#served.set(tenant, serving);
  }

  /** A run of the tenant is over: its place may serve the next of the tenant, and the room of the process anybody. */
  over(tenant: string): void {
    // Of those that may have more: who has its share of the process must not stand in the way of the others.
    const mayTake = (waiting: string): boolean => (this.#options.room(waiting) ?? 1) > 0;
    const next = [...this.#waiting].find(
      (waiting) => (waiting === tenant || !this.#full.has(waiting)) && mayTake(waiting),
    );
    if (next === undefined) return;
    this.look(next, false);
    if (next !== tenant && this.#waiting.has(tenant)) this.look(tenant, false);
  }

  /** Looks at all tenants: lines are also made by processes that die, and by waits that end. */
  async sweep(query: (text: string, values: unknown[]) => Promise<Record<string, unknown>[]>): Promise<void> {
    const free = this.#options.room();
    if (free === undefined) return;
    const before = [...this.#waiting];
    const found = new Set((await query(tenants, [])).map(({ tenant }) => tenant as string));
    for (const tenant of before) if (!found.has(tenant) && !this.#served.has(tenant)) this.#waiting.delete(tenant);
    for (const tenant of found) {
      if (free <= 0) await this.#options.places.release(tenant);
      else if (!this.#served.has(tenant)) this.look(tenant, false);
    }
  }

  /** Tenants that may have somebody waiting. */
  get tenants(): number {
    return this.#waiting.size;
  }

  /** Ends when nothing is under way. */
  async idle(): Promise<void> {
    await Promise.all(this.#served.values());
    clearTimeout(this.#telling);
  }

  async #serve(tenant: string, tell: boolean): Promise<void> {
    try {
      while ((await this.#take(tenant, tell)) === 'more');
    } catch (error) {
      if ((error as { code?: unknown }).code === '55P03') return;
      this.#options.warn('Waiting runs could not be taken up; it is tried again.', error);
    }
  }

  async #take(tenant: string, tell: boolean): Promise<'more' | 'done'> {
    const { places, room, start } = this.#options;
    const free = room();
    const own = room(tenant);
    if (free === undefined || own === undefined) return 'done';
    if (own <= 0) {
      if (tell) this.#tell(tenant);
      return 'done';
    }
    const wanted = Math.min(batchSize, own, Math.max(1, Math.floor(free / this.#waiting.size)));
    let taken = places.take(tenant, wanted);
    if (taken === 0) {
      await places.gather(tenant, wanted);
      taken = places.take(tenant, wanted);
    }
    if (taken === 0) {
      this.#full.add(tenant);
      if (tell) this.#tell(tenant);
      return 'done';
    }
    const token = randomUUID();
    let ids: string[] = [];
    try {
      ids = await this.#claim(tenant, taken, token);
      if (ids.length > 0) failpoint('claim.claimed');
    } finally {
      places.give(tenant, taken - ids.length);
    }
    if (ids.length < taken) this.#waiting.delete(tenant);
    if (ids.length > 0) await start(ids, token, tenant);
    return ids.length === taken ? 'more' : 'done';
  }

  async #claim(tenant: string, count: number, token: string): Promise<string[]> {
    const { rows } = await this.#options.pool.query<{ id: string; priority: number; created_at: string }>({
      name: 'flowpact_claim_runs',
      text: claim,
      values: [tenant, count, this.#options.executorId, token],
    });
    const order = (a: (typeof rows)[number], b: (typeof rows)[number]): number =>
      a.priority - b.priority || Number(a.created_at) - Number(b.created_at) || (a.id < b.id ? -1 : 1);
    return rows.toSorted(order).map(({ id }) => id);
  }

  #tell(tenant: string): void {
    this.#news.add(tenant);
    this.#telling ??= setTimeout(() => void this.#send(), coalesce);
  }

  /** A hint: the sweeps of the others find what they do not hear of. */
  async #send(): Promise<void> {
    this.#telling = undefined;
    const news = [...this.#news];
    this.#news.clear();
    await this.#options.pool
      .query('select pg_notify($1, tenant) from unnest($2::text[]) tenant', [lineChannel, news])
      .catch((error: unknown) => this.#options.warn('Other processes could not be told of waiting runs.', error));
  }
}
