import { randomUUID } from 'node:crypto';
import { MikroORM } from '@mikro-orm/postgresql';
import { Injectable, Logger, type BeforeApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { liveConnections, type Plan } from '../../domain/organisation/plan.ts';
import { runPrepared, type PreparedQuery } from '../../domain/prepared-query.ts';

/** How long a process counts that says no more. */
const leaseMs = 45_000;
const renewEveryMs = 15_000;

/** What this process has open of one organisation. */
interface Holding {
  open: number;
  /** Writes of one organisation follow one another, so that the last one is true. */
  writes: Promise<unknown>;
}

/** An open connection's part of what the plan allows. */
export interface LiveSlot {
  /** Gives it back; a second time changes nothing. */
  release(): void;
}

/**
 * Counts the live connections of organisations, WebSockets and event streams alike, over all processes. Each process keeps
 * its own number in the row of the organisation, for as long as it says every 15 seconds that it is there; what a process
 * had open that died counts for 45 seconds more.
 */
@Injectable()
export class LiveSlots implements OnModuleInit, BeforeApplicationShutdown {
  readonly #log = new Logger('Live');
  readonly #processId = randomUUID();
  readonly #holdings = new Map<string, Holding>();
  #renewals: NodeJS.Timeout | undefined;

  constructor(private readonly orm: MikroORM) {}

  onModuleInit(): void {
    this.#renewals = setInterval(() => void this.renew(), renewEveryMs).unref();
  }

  beforeApplicationShutdown(): void {
    clearInterval(this.#renewals);
  }

  /** A slot of the organisation; undefined when it has as many connections open as its plan allows. */
  async take({ organisationId, plan }: { organisationId: string; plan: Plan }): Promise<LiveSlot | undefined> {
    const holding = this.#holdingOf(organisationId);
    const taken = await this.#inTurn(organisationId, holding, async () => {
      const values = [organisationId, this.#processId, holding.open + 1, liveConnections[plan], leaseMs];
      const [row] = await runPrepared<{ allowed: boolean }>(this.orm.em, takeSlot, values);
      if (row!.allowed) holding.open += 1;
      return row!.allowed;
    });
    if (!taken) return undefined;
    let held = true;
    return {
      release: () => {
        if (held) this.#release(organisationId, holding);
        held = false;
      },
    };
  }

  /** How many connections of the organisation are open, over all processes. */
  async openOf(organisationId: string): Promise<number> {
    const [row] = await runPrepared<{ open: number }>(this.orm.em, countSlots, [organisationId]);
    return row!.open;
  }

  /** Says that this process is there, and what it has open. */
  async renew(): Promise<void> {
    const ids = [...this.#holdings.keys()].sort();
    if (ids.length === 0) return;
    const open = ids.map((id) => this.#holdings.get(id)!.open);
    try {
      await runPrepared(this.orm.em, renewSlots, [ids, open, this.#processId, leaseMs]);
    } catch (err) {
      // The next renewal comes before the lease ends.
      this.#log.warn({ err }, 'The live connections of this process could not be reported to the others');
    }
  }

  #release(organisationId: string, holding: Holding): void {
    holding.open -= 1;
    const told = this.#inTurn(organisationId, holding, () =>
      runPrepared(this.orm.em, setSlots, [organisationId, this.#processId, holding.open, leaseMs]),
    );
    // Without the database the lease ends by itself.
    told.catch(() => undefined);
  }

  #holdingOf(organisationId: string): Holding {
    const known = this.#holdings.get(organisationId) ?? { open: 0, writes: Promise.resolve() };
    this.#holdings.set(organisationId, known);
    return known;
  }

  async #inTurn<Result>(organisationId: string, holding: Holding, write: () => Promise<Result>): Promise<Result> {
    const result = holding.writes.then(write);
    const settled = result.catch(() => undefined);
    holding.writes = settled;
    await settled;
    if (holding.open === 0 && holding.writes === settled) this.#holdings.delete(organisationId);
    return result;
  }
}

/** The entry of process `$2` with so many open, and the entries of the other processes that still count. */
const live = (open: string, lease: string): string => `
  coalesce((select jsonb_object_agg(key, value) from jsonb_each(c.processes)
    where key <> $2 and (value->>'until')::float8 > extract(epoch from now()) * 1000), '{}')
  || ${entry(open, lease)}`;

function entry(open: string, lease: string): string {
  return `case when ${open} > 0 then jsonb_build_object($2::text, jsonb_build_object('open', ${open},
    'until', extract(epoch from now()) * 1000 + ${lease})) else '{}'::jsonb end`;
}

const takeSlot: PreparedQuery = {
  name: 'flowpact_take_live_slot',
  text: `
  insert into live_connection_count as c (organisation_id, processes, allowed)
  values ($1, ${entry('$3::int', '$5::int')}, $4::int > 0)
  on conflict (organisation_id) do update set (processes, allowed) = (
    select ${live('($3::int - (not v.allowed)::int)', '$5::int')}, v.allowed
    from (
      select $3::int + coalesce(sum((value->>'open')::int), 0) <= $4::int as allowed
      from jsonb_each(c.processes)
      where key <> $2 and (value->>'until')::float8 > extract(epoch from now()) * 1000
    ) v
  )
  returning allowed`,
};

const countSlots: PreparedQuery = {
  name: 'flowpact_count_live_slots',
  text: `
  select coalesce(sum((value->>'open')::int), 0)::int as open from live_connection_count, jsonb_each(processes)
   where organisation_id = $1 and (value->>'until')::float8 > extract(epoch from now()) * 1000`,
};

const setSlots: PreparedQuery = {
  name: 'flowpact_set_live_slots',
  text: `
  update live_connection_count as c set processes = ${live('$3::int', '$4::int')} where organisation_id = $1`,
};

/** The numbers stay as they are where they are known: a connection that comes now writes a newer one. */
const renewSlots: PreparedQuery = {
  name: 'flowpact_renew_live_slots',
  text: `
  insert into live_connection_count as c (organisation_id, processes, allowed)
  select id, jsonb_build_object($3::text, jsonb_build_object('open', open, 'until', extract(epoch from now()) * 1000 + $4::int)), true
  from unnest($1::text[], $2::int[]) as held (id, open) where open > 0 order by id
  on conflict (organisation_id) do update set processes = c.processes || jsonb_build_object($3::text,
    coalesce(c.processes->$3, excluded.processes->$3) || jsonb_build_object('until', excluded.processes->$3->'until'))`,
};
