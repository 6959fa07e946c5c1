import type { EntityManager } from '@mikro-orm/postgresql';
import type { Json } from '../domain-error.ts';
import { runPrepared, type PreparedQuery } from '../prepared-query.ts';
import { outsideOrganisations } from '../tenancy/current-organisation.ts';
import { watchBatcher } from '../tenancy/shared-resources.ts';
import { Turns } from '../tenancy/turns.ts';
import { isTerminalEvent, type ExecutionEventType } from './execution-event.entity.ts';
import type { ExecutionStatus } from './execution.entity.ts';

/** One entry of the log of an execution. */
export interface LoggedEvent {
  readonly id: string;
  readonly executionId: string;
  readonly sequence: number;
  readonly type: ExecutionEventType;
  readonly data: Record<string, Json>;
  readonly createdAt: Date;
  /** After this event the log is closed. */
  readonly terminal: boolean;
}

/** A place in the log of an execution, and whose execution it is. */
export interface LogPlace {
  readonly executionId: string;
  readonly organisationId: string;
  readonly after: number;
}

/** What stood behind a place in one moment. */
export interface LogExcerpt {
  /** Undefined when the organisation has no such execution. */
  readonly status: ExecutionStatus | undefined;
  readonly events: readonly LoggedEvent[];
  /** More stand behind these. */
  readonly more: boolean;
}

interface Demand extends PromiseWithResolvers<LogExcerpt> {
  readonly key: string;
  readonly place: LogPlace;
  readonly since: number;
}

const eventsAtOnce = 50;
const placesAtOnce = 20;

/**
 * Reads the logs for all followers of a process: many places in one statement, one statement at a time, and followers who
 * stand at the same place share what is found. Thousands of them take one connection of the pool and no more, and
 * organisations take turns in it.
 */
export class EventReader {
  readonly #em: EntityManager;
  readonly #demands = new Map<string, Demand>();
  readonly #waiting = new Turns<Demand>();
  #reading = false;

  constructor(em: EntityManager) {
    this.#em = em;
    watchBatcher('event_reader', () => ({ items: this.#waiting.size, bytes: 0, oldestMs: this.#oldestMs() }));
  }

  /** The next events behind the place, as of a moment after this call. */
  read(place: LogPlace): Promise<LogExcerpt> {
    const key = `${place.organisationId} ${place.executionId} ${place.after}`;
    const known = this.#demands.get(key);
    if (known) return known.promise;
    const demand = { key, place, since: Date.now(), ...Promise.withResolvers<LogExcerpt>() };
    this.#demands.set(key, demand);
    this.#waiting.push(place.organisationId, demand);
    void outsideOrganisations(() => this.#readAll());
    return demand.promise;
  }

  async #readAll(): Promise<void> {
    if (this.#reading) return;
    this.#reading = true;
    while (this.#waiting.size > 0) {
      const batch = this.#waiting.takeMany(placesAtOnce);
      for (const { key } of batch) this.#demands.delete(key);
      await this.#answer(batch);
    }
    this.#reading = false;
  }

  #oldestMs(): number {
    let since = Infinity;
    for (const head of this.#waiting.heads()) since = Math.min(since, head.since);
    return Math.max(0, Date.now() - since);
  }

  async #answer(demands: readonly Demand[]): Promise<void> {
    try {
      const excerpts = await this.#query(demands.map(({ place }) => place));
      for (const [index, { resolve }] of demands.entries()) resolve(excerpts[index]!);
    } catch (error) {
      for (const { reject } of demands) reject(error);
    }
  }

  async #query(places: readonly LogPlace[]): Promise<LogExcerpt[]> {
    const rows = await runPrepared<Row>(this.#em, selectExcerpts, [
      places.map(({ executionId }) => executionId),
      places.map(({ organisationId }) => organisationId),
      places.map(({ after }) => after),
    ]);
    const byPlace = Map.groupBy(rows, ({ place }) => Number(place) - 1);
    return places.map(({ executionId }, index) => {
      const found = byPlace.get(index) ?? [];
      const events = found.filter(({ sequence }) => sequence !== null).map((row) => toEvent(executionId, row));
      return { status: found[0]?.status ?? undefined, events, more: events.length === eventsAtOnce };
    });
  }
}

interface Row {
  place: string;
  status: ExecutionStatus | null;
  id: string;
  sequence: number | null;
  type: ExecutionEventType;
  data: string;
  /** Unix milliseconds. */
  created_at: number;
}

/** Status and events are of the same moment, so that an end which comes in between is not taken for the end of the log. */
const selectExcerpts: PreparedQuery = {
  name: 'flowpact_event_excerpts',
  text: `
  select f.place, x.status, v.id, v.sequence, v.type, v.data, v.created_at
  from unnest($1::text[], $2::text[], $3::bigint[]) with ordinality as f (execution_id, organisation_id, after, place)
  left join execution x on x.id = f.execution_id and x.organisation_id = f.organisation_id
  left join lateral (
    select e.id, e.sequence, e.type, e.data::text as data, (extract(epoch from e.created_at) * 1000)::float8 as created_at
    from execution_event e
    where e.execution_id = f.execution_id and e.organisation_id = f.organisation_id and e.sequence > f.after
    order by e.sequence
    limit ${eventsAtOnce}
  ) v on true
  order by f.place, v.sequence`,
};

function toEvent(executionId: string, { id, sequence, type, data, created_at }: Row): LoggedEvent {
  return {
    id,
    executionId,
    sequence: sequence!,
    type,
    data: JSON.parse(data) as Record<string, Json>,
    createdAt: new Date(created_at),
    terminal: isTerminalEvent(type),
  };
}
