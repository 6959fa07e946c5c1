import { type EntityManager, MikroORM } from '@mikro-orm/postgresql';
import { Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { BatchMetrics } from '../batch-metrics.ts';
import { failpoint } from '../failpoints.ts';
import { isPassing } from '../passing-error.ts';
import { inTurn } from '../tenancy/event-loop-turns.ts';
import { type DueOrganisation, DueOrganisations } from '../tenancy/due-organisations.ts';
import { WorkerLoops } from '../worker-loops.ts';
import { DomainEvent, type HappenedEvent } from './domain-event.entity.ts';
import { DomainEvents, eventLoops, type FailedListener } from './domain-events.ts';
import { type ClaimedEvent, claimEvent } from './claim-event.ts';
import { EventSubscription } from './event-subscription.entity.ts';

const everyMs = 1_000;
/** Organisations whose listeners this process calls at the same time. */
const concurrency = 4;
/** What the turn of one organisation takes at most, give or take an event, while others wait. */
const turnMs = 1_000;
const turnEvents = 20;
/** How often a listener may refuse an event; with pauses that double, the last comes after about a day. */
const maxFailures = 16;
const firstPauseMs = 2_000;
/** The longest pause after what passes by itself. */
const maxPauseMs = 60_000;
/** Label of the metrics. */
const batcher = 'events';

/**
 * Tells the listeners in this server what happened: each event once, in its own transaction, those of an organisation in the
 * order of their ids. Organisations take turns, so that the events of one, however many or slow, keep no other waiting.
 */
@Injectable()
export class EventDispatch implements OnModuleInit, OnApplicationShutdown {
  readonly #log = new Logger(EventDispatch.name);
  readonly #due = new DueOrganisations({
    name: 'events',
    table: 'domain_event',
    column: 'dispatch_at',
    by: 'organisations',
  });
  readonly #busy = new Map<string, Promise<void>>();
  /** Organisations with events, by when they had their turn. */
  readonly #served = new Map<string, number>();
  #turns = 0;
  /** Why the last turn failed, unless one has succeeded since. */
  #fault: { readonly error: unknown } | undefined;

  constructor(
    private readonly orm: MikroORM,
    private readonly events: DomainEvents,
    private readonly loops: WorkerLoops,
    private readonly metrics: BatchMetrics,
  ) {}

  onModuleInit(): void {
    this.loops.add(eventLoops.dispatch, { everyMs, isVital: true, run: (signal) => this.round(signal) });
  }

  async onApplicationShutdown(): Promise<void> {
    await this.idle();
  }

  /** Ends when nobody is being told anything. */
  async idle(): Promise<void> {
    await Promise.all(this.#busy.values());
  }

  /**
   * Begins to tell what is due, without waiting for listeners, and is woken when there is room for more. Throws when turns
   * fail and none succeeds.
   */
  async round(signal: AbortSignal): Promise<void> {
    if (this.#busy.size >= concurrency || signal.aborted) return;
    const due = await this.#due.find((text) => this.#query(text));
    const ids = due.map(({ id }) => id);
    for (const id of this.#served.keys()) if (!ids.includes(id)) this.#served.delete(id);
    const next = ids
      .filter((id) => !this.#busy.has(id))
      .sort((one, other) => (this.#served.get(one) ?? 0) - (this.#served.get(other) ?? 0))
      .slice(0, concurrency - this.#busy.size);
    for (const id of next) this.#begin(id, signal);
    if (this.#fault && next.length > 0) throw this.#fault.error;
  }

  async #query(text: string): Promise<readonly DueOrganisation[]> {
    const pool = await this.orm.em.getConnection().getNativeClient();
    return (await pool.query<DueOrganisation>({ name: 'due_events', text })).rows;
  }

  #begin(organisationId: string, signal: AbortSignal): void {
    this.#served.set(organisationId, ++this.#turns);
    const turn = inTurn(organisationId, () => this.#turn(organisationId, signal));
    this.#busy.set(organisationId, turn);
  }

  async #turn(organisationId: string, signal: AbortSignal): Promise<void> {
    let told = 0;
    try {
      told = await this.#tellSome(organisationId, signal);
      this.#fault = undefined;
    } catch (error) {
      this.#fault = { error };
    }
    this.#busy.delete(organisationId);
    if (told > 0) this.loops.wake(eventLoops.dispatch);
  }

  /** The number of events that were dealt with. */
  async #tellSome(organisationId: string, signal: AbortSignal): Promise<number> {
    const end = Date.now() + turnMs;
    let told = 0;
    while (!signal.aborted && told < turnEvents && Date.now() < end && (await this.#tellOne(organisationId))) told += 1;
    return told;
  }

  /** False when nothing is due. */
  async #tellOne(organisationId: string): Promise<boolean> {
    let claimed: ClaimedEvent | undefined;
    try {
      await this.orm.em.fork().transactional(async (em) => {
        claimed = await claimEvent(em, organisationId);
        if (!claimed) return;
        const { id } = claimed;
        const failed = await this.#tell(em, await em.findOneOrFail(DomainEvent, { id }), claimed.to);
        failpoint('event.told');
        if (failed.length > 0) await this.#postpone(em, claimed, failed);
        else await em.nativeUpdate(DomainEvent, { id }, { dispatchAt: null, dispatchTo: null });
      });
    } catch (error) {
      if (!claimed) throw error;
      await this.#postpone(this.orm.em.fork(), claimed, [{ error }]);
    }
    return claimed !== undefined;
  }

  async #tell(
    em: EntityManager,
    { id, organisationId, type, data, createdAt }: DomainEvent,
    to: readonly string[] | null,
  ): Promise<FailedListener[]> {
    const happened: HappenedEvent = { id, organisationId, type, data, createdAt };
    const listening = await em.find(
      EventSubscription,
      {
        organisationId,
        eventType: type,
        listenerKind: { $ne: 'webhook' },
        ...(to && { listenerId: { $in: [...to] } }),
      },
      { orderBy: { listenerId: 'asc' } },
    );
    const failed: FailedListener[] = [];
    for (const listener of this.events.listeners) {
      const ids = listening.filter(({ listenerKind }) => listenerKind === listener.kind);
      if (ids.length === 0) continue;
      const told = await listener.onEvent(
        em,
        happened,
        ids.map(({ listenerId }) => listenerId),
      );
      failed.push(...(told ?? []));
    }
    return failed;
  }

  /** What passes by itself is no refusal, however long it takes; others come first all the same. */
  async #postpone(em: EntityManager, claimed: ClaimedEvent, failed: readonly Failure[]): Promise<void> {
    const { id, type, failures, ageMs } = claimed;
    const { error, listenerId } = failed.find((one) => !isPassing(one.error)) ?? failed[0]!;
    const passes = isPassing(error);
    this.metrics.batchFailed(batcher, passes ? 'passing' : 'refused');
    const dispatchFailures = passes ? failures : failures + 1;
    const isGivenUp = dispatchFailures >= maxFailures;
    const pause = passes ? Math.min(maxPauseMs, Math.max(firstPauseMs, ageMs / 10)) : firstPauseMs * 2 ** failures;
    const dispatchAt = isGivenUp ? null : new Date(Date.now() + pause);
    const what = { err: error, eventId: id, type, listenerId, listeners: failed.length };
    if (passes) this.#log.warn(what, 'An event could not be told now; it is tried again.');
    else if (isGivenUp) this.#log.error(what, 'An event could not be told; it is given up.');
    else this.#log.error(what, 'An event could not be told; it is tried again.');
    const left = failed.flatMap(({ listenerId: left }) => left ?? []);
    const dispatchTo = left.length > 0 ? left : (claimed.to as string[] | null);
    await em.nativeUpdate(DomainEvent, { id }, { dispatchAt, dispatchFailures, dispatchTo });
  }
}

/** Why telling went wrong: for one listener, or for all together. */
type Failure = Partial<FailedListener> & Pick<FailedListener, 'error'>;
