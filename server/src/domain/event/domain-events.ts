import { type EntityManager, MikroORM } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { CompiledQuery, type Transaction } from 'kysely';
import { AfterCommit } from '../after-commit.ts';
import { toJsonb } from '../storable.ts';
import { newId } from '../id.ts';
import { WorkerLoops } from '../worker-loops.ts';
import type { HappenedEvent } from './domain-event.entity.ts';
import { heardEvents } from './event-statement.ts';
import { EventSubscription, type ListenerKind } from './event-subscription.entity.ts';
import type { EventData, EventType } from './event-type.ts';

/** Something that happens now. */
export interface NewEvent<Type extends EventType = EventType> {
  readonly organisationId: string;
  readonly type: Type;
  readonly data: EventData[Type];
  /** Now when absent. */
  readonly occurredAt?: Date;
}

/** What a listener listens to. */
export interface Listening {
  readonly organisationId: string;
  readonly kind: ListenerKind;
  /** Id of the webhook, the trigger. */
  readonly id: string;
  /** Empty for nothing. */
  readonly types: readonly EventType[];
}

/** A listener that failed for itself. */
export interface FailedListener {
  readonly listenerId: string;
  readonly error: unknown;
}

/** Something in this server that reacts to events. */
export interface EventListener {
  readonly kind: Exclude<ListenerKind, 'webhook'>;
  /**
   * Called once per event with those of the kind that listen, in a transaction of its own which also marks the event as
   * told. It gives back those that failed and left nothing in the transaction: later it is called again for them, and for no
   * others. What it throws undoes everything, is logged, and it is called again for all.
   */
  onEvent(
    em: EntityManager,
    event: HappenedEvent,
    listenerIds: readonly string[],
  ): Promise<readonly FailedListener[] | void>;
}

/** Names of the loops that bring events to those who listen. */
export const eventLoops = { dispatch: 'events', deliver: 'webhook-deliveries' } as const;

const emitStatement = `
with happened as (
  select * from jsonb_to_recordset($1::jsonb) as happened(
    id text, organisation_id text, type text, data jsonb, created_at timestamptz)
), ${heardEvents({
  from: 'happened',
  id: 'happened.id',
  organisationId: 'happened.organisation_id',
  type: 'happened.type',
  data: 'happened.data',
  createdAt: 'happened.created_at',
})}
select count(*)::int as heard from heard`;

/** What happens in the platform, told to those who listen: webhooks of the organisation, and parts of this server. */
@Injectable()
export class DomainEvents {
  readonly #loops: WorkerLoops;
  readonly #listeners: EventListener[] = [];
  readonly #afterCommit = new AfterCommit();

  constructor(orm: MikroORM, loops: WorkerLoops) {
    this.#loops = loops;
    orm.em.getEventManager().registerSubscriber(this.#afterCommit);
  }

  /** Writes the event in the transaction of `em`, if anybody listens to it. Throws outside of a transaction. */
  async emit<Type extends EventType>(em: EntityManager, ...events: NewEvent<Type>[]): Promise<void> {
    const rows = events.map(({ organisationId, type, data, occurredAt = new Date() }) => ({
      id: newId('evt'),
      organisation_id: organisationId,
      type,
      data,
      created_at: occurredAt,
    }));
    await this.emitBy(em, emitStatement, [toJsonb(rows)]);
  }

  /**
   * Runs a statement, made with `heardEvents`, that ends with the number of events `heard`, in the transaction of `em`.
   * Those who listen hear of it when that has committed.
   */
  async emitBy(em: EntityManager, statement: string, values: unknown[]): Promise<void> {
    const transaction = em.getTransactionContext<Transaction<unknown>>();
    if (!transaction)
      throw new Error('An event is emitted in a transaction only. Wrap the call in em.transactional().');
    const { rows } = await transaction.executeQuery<{ heard: number }>(CompiledQuery.raw(statement, values));
    if (rows[0]?.heard) this.wakeAfter(em);
  }

  /** Has the loops look for events and deliveries when the transaction of `em` has committed. */
  wakeAfter(em: EntityManager): void {
    const transaction = em.getTransactionContext<Transaction<unknown>>();
    if (!transaction) return this.wake();
    this.#afterCommit.add(
      transaction,
      () => this.wake(),
      () => undefined,
    );
  }

  /** Has the loops look for events now; call it after the commit of what wrote them. */
  wake(): void {
    for (const loop of Object.values(eventLoops)) this.#loops.wake(loop);
  }

  /** Replaces what one listener listens to, from this transaction on. */
  async listen(em: EntityManager, { organisationId, kind, id, types }: Listening): Promise<void> {
    await em.nativeDelete(EventSubscription, { organisationId, listenerKind: kind, listenerId: id });
    if (types.length === 0) return;
    const row = { organisationId, listenerKind: kind, listenerId: id };
    await em.insertMany(
      EventSubscription,
      types.map((eventType) => ({ ...row, eventType })),
    );
  }

  /** Has a part of this server told of what its kind listens to; at start, once per kind. */
  subscribe(listener: EventListener): void {
    if (this.#listeners.some(({ kind }) => kind === listener.kind))
      throw new Error(`Somebody is told for listeners of the kind ${listener.kind} already.`);
    this.#listeners.push(listener);
  }

  /** Who was subscribed. */
  get listeners(): readonly EventListener[] {
    return this.#listeners;
  }
}
