import { type EntityManager, MikroORM } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { HappenedEvent } from '../event/domain-event.entity.ts';
import { EventChainSettings } from './event-chain-settings.ts';
import type { Refusal } from './trigger.entity.ts';

/** How many executions may follow from one another by events: a trigger could hear of what it has started itself. */
const deepest = 5;
/** Days for which it is remembered what a chain has started, since the last start. */
const keepDays = 30;
/** Chains removed in one statement. */
const removedAtOnce = 5_000;

/** Where an execution that an event starts stands. */
export interface ChainLink {
  /** The execution that no event has started, or the event that is about no execution, from which all of it follows. */
  readonly origin: string;
  /** How many events lie between. */
  readonly depth: number;
}

/** Limits what follows from one cause by way of events: in depth and, over all its branches, in number. */
@Injectable()
export class EventChains {
  constructor(
    private readonly orm: MikroORM,
    private readonly settings: EventChainSettings,
  ) {}

  /**
   * Where what the event starts stands. An execution that was called stands where its caller does: an execution would
   * otherwise begin a chain anew by calling another one.
   */
  async after(em: EntityManager, { id, organisationId, data }: HappenedEvent): Promise<ChainLink> {
    const { execution_id: about } = data as { execution_id?: string };
    const [top] = about === undefined ? [] : await em.execute<Top[]>(topCaller, [about, organisationId]);
    return { origin: top?.origin ?? about ?? id, depth: (top?.depth ?? 0) + 1 };
  }

  /**
   * How many executions may still be started there; none or fewer where the limit was lowered. The transaction of `em` holds
   * the chain from then on, in whichever process, so that the answer stays true: call it before triggers are locked.
   */
  async room(em: EntityManager, organisationId: string, { origin }: ChainLink): Promise<number> {
    const [chain] = await em.execute<{ started: number }[]>(
      `insert into event_chain (origin_id, organisation_id, started, used_at) values (?, ?, 0, now())
       on conflict (origin_id) do update set origin_id = excluded.origin_id returning started`,
      [origin, organisationId],
    );
    return this.settings.mostExecutions - chain!.started;
  }

  /** Counts what was started, in the transaction that asked for room. */
  async count(em: EntityManager, { origin }: ChainLink, started: number): Promise<void> {
    if (started === 0) return;
    await em.execute('update event_chain set started = started + ?, used_at = now() where origin_id = ?', [
      started,
      origin,
    ]);
  }

  /** Why nothing starts as deep as that; undefined when it is not too deep. */
  tooDeep({ depth }: ChainLink): Refusal | undefined {
    if (depth <= deepest) return undefined;
    return {
      code: 'event_chain_too_deep',
      message: `Executions follow from one another by events at most ${deepest} deep. Narrow the filter, so that the trigger does not hear of what it has started.`,
    };
  }

  /** Why nothing more starts where there is no room. */
  full({ origin }: ChainLink): Refusal {
    return {
      code: 'event_chain_full',
      message: `Events start at most ${this.settings.mostExecutions} executions that follow from one cause, which is ${origin} here. Narrow the filters of the triggers that hear of what others have started.`,
    };
  }

  /** Forgets chains in which nothing was started for 30 days, and says how many. */
  async purge(): Promise<number> {
    const remove = `with chosen as materialized (
        select origin_id from event_chain where used_at < now() - ?::interval limit ${removedAtOnce} for update skip locked)
      delete from event_chain where origin_id in (select origin_id from chosen)`;
    for (let removed = 0; ;) {
      const { affectedRows } = await this.orm.em
        .fork()
        .execute<{ affectedRows: number }>(remove, [`${keepDays} days`], 'run');
      removed += affectedRows;
      if (affectedRows < removedAtOnce) return removed;
    }
  }
}

interface Top {
  readonly origin: string;
  readonly depth: number;
}

const topCaller = `
with recursive caller as (
  select id, started_by_type, started_by_id, "trigger", 0 as up from execution where id = ? and organisation_id = ?
  union all
  select e.id, e.started_by_type, e.started_by_id, e."trigger", up + 1 from execution e
    join caller on caller.started_by_type = 'execution' and e.id = caller.started_by_id
), top as (
  select id, case when "trigger"->>'type' = 'event' then "trigger" end as cause from caller order by up desc limit 1
)
select coalesce(cause->>'origin', id) as origin, coalesce((cause->>'depth')::int, 0) as depth from top`;
