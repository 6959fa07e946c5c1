import type { Pool } from 'pg';
import { failpoint } from '../../domain/failpoints.ts';

/** Seed of the lock keys, so that they do not meet other users of advisory locks. */
const lockSeed = 7_413;
const lockTimeout = 500;
/** Milliseconds for which a limit is believed. */
const limitAge = 5_000;
/** Milliseconds after which a place that nobody used is given back. */
const idleAge = 5_000;

/**
 * Run at every start, under a lock. `authenticated_user` of a run is its tenant. An index that is there already is left
 * alone without a look at the table, which would wait for everybody who writes.
 */
export const placesSchema = `do $$ begin
  if to_regclass('dbos.flowpact_line') is null then
    create table dbos.flowpact_place (
      tenant text not null, executor_id text not null, places int not null, primary key (tenant, executor_id));
    create index flowpact_line on dbos.workflow_status (authenticated_user, priority, created_at, workflow_uuid)
      where status = 'ENQUEUED' and queue_name = 'executions';
  end if;
end $$`;

/** What the others hold is theirs; the rest, up to what is wished for, becomes this process's. */
const hold = `
insert into dbos.flowpact_place (tenant, executor_id, places)
select $1, $2, greatest(0, least($3::int, $4::int - coalesce(sum(places), 0)::int))
  from dbos.flowpact_place where tenant = $1 and executor_id <> $2
on conflict (tenant, executor_id) do update set places = excluded.places
returning places`;

/** Of one tenant, in this process. */
interface Holding {
  held: number;
  used: number;
  usedAt: number;
  change: Promise<void> | undefined;
}

export interface PlacesOptions {
  readonly pool: Pool;
  readonly executorId: string;
  /** Runs of the tenant at once, over all processes; undefined where there is no limit. */
  readonly limitOf: ((tenant: string) => Promise<number | undefined>) | undefined;
  /** Whether nobody can have given this process's places to another. */
  readonly isHeld: () => boolean;
}

/**
 * The places of tenants that this process holds. They are taken from the database a number at a time, so that a run that
 * starts where there is a free one asks nobody; together the processes never hold more than a tenant's limit. The places of
 * a process that dies are free as soon as its runs are.
 */
export class Places {
  readonly #options: PlacesOptions;
  readonly #holdings = new Map<string, Holding>();
  readonly #limits = new Map<string, { limit: number; at: number }>();

  constructor(options: PlacesOptions) {
    this.#options = options;
  }

  /** Takes up to that many places at once; how many it got. */
  take(tenant: string, wanted: number): number {
    if (this.#isFree(tenant)) return wanted;
    const holding = this.#holdings.get(tenant);
    if (!holding || !this.#options.isHeld()) return 0;
    const taken = Math.max(0, Math.min(wanted, holding.held - holding.used));
    holding.used += taken;
    if (taken > 0) holding.usedAt = Date.now();
    return taken;
  }

  give(tenant: string, count: number): void {
    const holding = this.#holdings.get(tenant);
    if (!holding || this.#isFree(tenant)) return;
    holding.used -= count;
  }

  /** Tries to have that many free places of the tenant, or some more for those that come next. */
  async gather(tenant: string, wanted: number): Promise<void> {
    if (this.#isFree(tenant)) return;
    const limit = await this.#limitOf(tenant);
    await this.#set(tenant, (used) => Math.min(limit, used + Math.max(wanted, Math.ceil(limit / 4))), limit);
  }

  /** Gives the free places of the tenant back to all. */
  async release(tenant: string): Promise<void> {
    const holding = this.#holdings.get(tenant);
    if (!holding || holding.held <= holding.used) return;
    await this.#set(tenant, (used) => used, await this.#limitOf(tenant));
  }

  /** Gives back what has not been used for a while; the tenants whose places those were. */
  async releaseIdle(): Promise<string[]> {
    const before = Date.now() - idleAge;
    const idle = [...this.#holdings].filter(([, { held, used, usedAt }]) => held > used && usedAt < before);
    for (const [tenant] of idle) await this.release(tenant);
    return idle.map(([tenant]) => tenant);
  }

  /** Asks what this process still holds: after its lock was lost, others may have taken it for dead. */
  async recount(): Promise<void> {
    const { pool, executorId } = this.#options;
    const { rows } = await pool.query<{ tenant: string; places: number }>(
      'select tenant, places from dbos.flowpact_place where executor_id = $1',
      [executorId],
    );
    const held = new Map(rows.map(({ tenant, places }) => [tenant, places]));
    for (const [tenant, holding] of this.#holdings) holding.held = held.get(tenant) ?? 0;
  }

  async stop(): Promise<void> {
    const { pool, executorId } = this.#options;
    await pool.query('delete from dbos.flowpact_place where executor_id = $1', [executorId]);
  }

  #isFree(tenant: string): boolean {
    return tenant === '' || this.#options.limitOf === undefined;
  }

  async #limitOf(tenant: string): Promise<number> {
    const known = this.#limits.get(tenant);
    if (known && known.at > Date.now() - limitAge) return known.limit;
    const limit = (await this.#options.limitOf!(tenant)) ?? Number.MAX_SAFE_INTEGER;
    const stored = Math.min(limit, 2_000_000_000);
    this.#limits.set(tenant, { limit: stored, at: Date.now() });
    return stored;
  }

  /** One change of a tenant's places at a time, so that what is in memory is what is stored. */
  async #set(tenant: string, wanted: (used: number) => number, limit: number): Promise<void> {
    let holding = this.#holdings.get(tenant);
    if (!holding) this.#holdings.set(tenant, (holding = { held: 0, used: 0, usedAt: Date.now(), change: undefined }));
    if (holding.change) return holding.change;
    holding.change = this.#store(tenant, holding, wanted, limit).finally(() => (holding.change = undefined));
    await holding.change;
    if (holding.held === 0 && holding.used === 0) this.#holdings.delete(tenant);
  }

  async #store(tenant: string, holding: Holding, wanted: (used: number) => number, limit: number): Promise<void> {
    const { pool, executorId } = this.#options;
    const client = await pool.connect();
    let fault: Error | undefined;
    try {
      await client.query(`begin; set local lock_timeout = ${lockTimeout}`);
      await client.query(`select pg_advisory_xact_lock(hashtextextended($1, ${lockSeed}))`, [tenant]);
      failpoint('slots.locked');
      const wish = wanted(holding.used);
      // What is given back is not to be taken meanwhile.
      holding.held = Math.min(holding.held, Math.max(wish, holding.used));
      const { rows } = await client.query<{ places: number }>(hold, [tenant, executorId, wish, limit]);
      if (rows[0]!.places === 0)
        await client.query('delete from dbos.flowpact_place where tenant = $1 and executor_id = $2', [
          tenant,
          executorId,
        ]);
      await client.query('commit');
      holding.held = rows[0]!.places;
    } catch (error) {
      await client.query('rollback').catch((lost: Error) => (fault = lost));
      throw error;
    } finally {
      client.release(fault);
    }
  }
}
