import { type EntityManager, LockMode, MikroORM } from '@mikro-orm/postgresql';
import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { failpoint } from '../failpoints.ts';
import { WorkerLoops } from '../worker-loops.ts';
import { DomainEvent, type HappenedEvent } from './domain-event.entity.ts';
import { DomainEvents, eventLoops } from './domain-events.ts';
import { EventSubscription } from './event-subscription.entity.ts';

const everyMs = 1_000;
/** Events told in one round at most. */
const perRound = 100;
/** How often a listener may refuse an event; with pauses that double, the last comes after about a day. */
const mostFailures = 16;
const firstPauseMs = 2_000;

/** Tells the listeners in this server what happened: each event once, in its own transaction, in the order of their ids. */
@Injectable()
export class EventDispatch implements OnModuleInit {
  readonly #log = new Logger(EventDispatch.name);

  constructor(
    private readonly orm: MikroORM,
    private readonly events: DomainEvents,
    private readonly loops: WorkerLoops,
  ) {}

  onModuleInit(): void {
    this.loops.add(eventLoops.dispatch, { everyMs, run: (signal) => this.round(signal) });
  }

  /** Tells what is due; true when there may be more. */
  async round(signal: AbortSignal): Promise<boolean> {
    for (let told = 0; told < perRound; told++) {
      if (signal.aborted || !(await this.#tellOne())) return false;
    }
    return true;
  }

  /** False when nothing is due. */
  async #tellOne(): Promise<boolean> {
    let event: DomainEvent | undefined;
    try {
      await this.orm.em.fork().transactional(async (em) => {
        [event] = await em.find(
          DomainEvent,
          { dispatchAt: { $lte: new Date() } },
          { orderBy: { dispatchAt: 'asc', id: 'asc' }, limit: 1, lockMode: LockMode.PESSIMISTIC_PARTIAL_WRITE },
        );
        if (!event) return;
        await this.#tell(em, event);
        failpoint('event.told');
        await em.nativeUpdate(DomainEvent, { id: event.id }, { dispatchAt: null });
      });
    } catch (error) {
      if (!event) throw error;
      await this.#postpone(event, error);
    }
    return event !== undefined;
  }

  async #tell(em: EntityManager, { id, organisationId, type, data, createdAt }: DomainEvent): Promise<void> {
    const happened: HappenedEvent = { id, organisationId, type, data, createdAt };
    const listening = await em.find(
      EventSubscription,
      { organisationId, eventType: type, listenerKind: { $ne: 'webhook' } },
      { orderBy: { listenerId: 'asc' } },
    );
    for (const listener of this.events.listeners) {
      const ids = listening.filter(({ listenerKind }) => listenerKind === listener.kind);
      if (ids.length > 0)
        await listener.onEvent(
          em,
          happened,
          ids.map(({ listenerId }) => listenerId),
        );
    }
  }

  async #postpone({ id, type, dispatchFailures }: DomainEvent, error: unknown): Promise<void> {
    const failures = dispatchFailures + 1;
    const givenUp = failures >= mostFailures;
    const dispatchAt = givenUp ? null : new Date(Date.now() + firstPauseMs * 2 ** dispatchFailures);
    this.#log.error(
      { err: error, eventId: id, type },
      givenUp ? 'An event could not be told; it is given up.' : 'An event could not be told; it is tried again.',
    );
    await this.orm.em.fork().nativeUpdate(DomainEvent, { id }, { dispatchAt, dispatchFailures: failures });
  }
}
