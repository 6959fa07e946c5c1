import type { EntityManager } from '@mikro-orm/postgresql';
import { isPassing } from '../passing-error.ts';
import type { Json } from '../domain-error.ts';
import { runPrepared, type PreparedQuery } from '../prepared-query.ts';
import { cheapJson, StoredJson } from '../stored-json.ts';
import { outsideOrganisations } from '../tenancy/current-organisation.ts';
import { BatchPace } from '../tenancy/batch-pace.ts';
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
  /** The `output` in it, or the `details` of the `error`, is a StoredJson where it is large. */
  readonly data: Record<string, Json | StoredJson>;
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
/** Bytes of the events that one statement reads, unless one event alone has more. */
const bytesAtOnce = 4 * 1_048_576;

/**
 * Reads the logs for all followers of a process: many places in one statement, one statement at a time, and followers who
 * stand at the same place share what is found. Thousands of them take one connection of the pool and no more, and
 * organisations take turns in it. Statements are bounded in time while organisations share them, and in
 * bytes, in which places take turns: the next event of each, then the ones behind those.
 */
export class EventReader {
  readonly #em: EntityManager;
  readonly #demands = new Map<string, Demand>();
  readonly #waiting = new Turns<Demand>();
  readonly #pace = new BatchPace();
  #reading = false;

  constructor(em: EntityManager) {
    this.#em = em;
    watchBatcher('event_reader', () => ({ items: this.#waiting.size, bytes: 0, oldestMs: this.#oldestMs() }));
  }

  /** The next events behind the place, as of a moment after this call. */
  read(place: LogPlace): Promise<LogExcerpt> {
    const key = keyOf(place);
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
      const batch = this.#waiting.takeMany(Math.ceil(placesAtOnce * this.#pace.share));
      for (const { key } of batch) this.#demands.delete(key);
      const since = performance.now();
      await this.#answer(batch);
      this.#pace.took(batch.length / placesAtOnce, performance.now() - since);
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
      for (const [index, demand] of demands.entries()) this.#settle(demand, excerpts[index]!);
    } catch (error) {
      if (demands.length > 1 && !isPassing(error)) {
        for (const demand of demands) await this.#answer([demand]);
        return;
      }
      for (const { reject } of demands) reject(error);
    }
  }

  /** Of a place whose next event did not fit it is asked again, behind those who wait. */
  #settle(demand: Demand, excerpt: LogExcerpt): void {
    if (excerpt.events.length > 0 || !excerpt.more) return demand.resolve(excerpt);
    const twin = this.#demands.get(demand.key);
    if (twin) return void twin.promise.then(demand.resolve, demand.reject);
    this.#demands.set(demand.key, demand);
    this.#waiting.push(demand.place.organisationId, demand);
  }

  async #query(places: readonly LogPlace[]): Promise<LogExcerpt[]> {
    const rows = await runPrepared<Row>(this.#em, selectExcerpts, [
      places.map(({ executionId }) => executionId),
      places.map(({ organisationId }) => organisationId),
      places.map(({ after }) => after),
      bytesAtOnce,
    ]);
    const byPlace = Map.groupBy(rows, ({ place }) => Number(place) - 1);
    return places.map(({ executionId }, index) => {
      const found = byPlace.get(index) ?? [];
      const events = found.filter(({ sequence }) => sequence !== null).map((row) => toEvent(executionId, row));
      const there = found[0]?.there ?? 0;
      const more = there > events.length || events.length === eventsAtOnce;
      return { status: found[0]?.status ?? undefined, events, more };
    });
  }
}

interface Row {
  place: string;
  status: ExecutionStatus | null;
  /** Events found behind the place, of which as many were read as fit. */
  there: number;
  id: string;
  sequence: number | null;
  type: ExecutionEventType;
  /** Without the two that follow, where it is large. */
  data: string;
  output: string | null;
  details: string | null;
  /** Unix milliseconds. */
  created_at: number;
}

/** About as many bytes as its text has; what is neither compressed nor large need not be read for that. */
const bytes = `case when pg_column_compression(e.data) is null and pg_column_size(e.data) < 8192 then pg_column_size(e.data)
  else octet_length(e.data::text) end`;

/** Status and events are of the same moment, so that an end which comes in between is not taken for the end of the log. */
const selectExcerpts: PreparedQuery = {
  name: 'flowpact_event_excerpts',
  text: `
  with place as (
    select f.execution_id, f.organisation_id, f.place, f.after, x.status
    from unnest($1::text[], $2::text[], $3::bigint[]) with ordinality as f (execution_id, organisation_id, after, place)
    left join execution x on x.id = f.execution_id and x.organisation_id = f.organisation_id
  ), found as (
    select place.place, v.sequence, v.bytes, row_number() over (partition by place.place order by v.sequence) as nth,
      count(*) over (partition by place.place) as there
    from place cross join lateral (
      select e.sequence, ${bytes} as bytes from execution_event e
      where e.execution_id = place.execution_id and e.organisation_id = place.organisation_id and e.sequence > place.after
      order by e.sequence
      limit ${eventsAtOnce}
    ) v
  ), summed as (
    select found.*, sum(bytes) over (order by nth, place rows unbounded preceding) as total from found
  )
  select place.place, place.status, coalesce(count.there, 0)::int as there, e.id, e.sequence, e.type,
    case when summed.bytes > ${cheapJson} then (e.data - 'output') #- '{error,details}' else e.data end::text as data,
    case when summed.bytes > ${cheapJson} then (e.data->'output')::text end as output,
    case when summed.bytes > ${cheapJson} then (e.data#>'{error,details}')::text end as details,
    (extract(epoch from e.created_at) * 1000)::float8 as created_at
  from place
  left join (select distinct place, there from found) count on count.place = place.place
  left join summed on summed.place = place.place and (summed.total <= $4 or summed.total = summed.bytes)
  left join execution_event e on e.execution_id = place.execution_id and e.sequence = summed.sequence
  order by place.place, e.sequence`,
};

function keyOf({ organisationId, executionId, after }: LogPlace): string {
  return `${organisationId} ${executionId} ${after}`;
}

function toEvent(executionId: string, { id, sequence, type, data, output, details, created_at }: Row): LoggedEvent {
  return {
    id,
    executionId,
    sequence: sequence!,
    type,
    data: toData(data, output, details),
    createdAt: new Date(created_at),
    terminal: isTerminalEvent(type),
  };
}

/** What is large in an event is of the workflow's making: its followers get the text. */
function toData(text: string, output: string | null, details: string | null): LoggedEvent['data'] {
  const data = JSON.parse(text) as Record<string, Json | StoredJson>;
  if (output !== null) data.output = new StoredJson(output);
  if (details !== null) Object.assign(data.error as object, { details: new StoredJson(details) });
  return data;
}
