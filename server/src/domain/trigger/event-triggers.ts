import type { EntityManager } from '@mikro-orm/postgresql';
import { Injectable, Logger } from '@nestjs/common';
import { DomainError, type Json } from '../domain-error.ts';
import { DomainEvents, type EventListener } from '../event/domain-events.ts';
import type { HappenedEvent } from '../event/domain-event.entity.ts';
import { Evaluator, requestMaxWaitMs } from '../language/index.ts';
import { NodeFailure } from '../nodes/node-type.ts';
import { type ChainLink, EventChains } from './event-chains.ts';
import type { EventConfig } from './trigger-config.ts';
import { type TriggerData, TriggerFiring } from './trigger-firing.ts';
import { recordStarts, type Refusal, type StartOutcome, Trigger } from './trigger.entity.ts';

/** Starts what listens to events. Called once per event, in a transaction of its own. */
@Injectable()
export class EventTriggers implements EventListener {
  readonly kind = 'trigger';
  readonly #log = new Logger(EventTriggers.name);

  constructor(
    events: DomainEvents,
    private readonly firing: TriggerFiring,
    private readonly evaluator: Evaluator,
    private readonly chains: EventChains,
  ) {
    events.subscribe(this);
  }

  async onEvent(em: EntityManager, event: HappenedEvent, triggerIds: readonly string[]): Promise<void> {
    const { organisationId } = event;
    const where = { id: { $in: [...triggerIds] }, organisationId, kind: 'event' as const, enabled: true };
    const triggers = await em.find(Trigger, where, { orderBy: { id: 'asc' } });
    if (triggers.length === 0) return;
    const starts = new StartsOfEvent(em, event, await this.chains.after(em, event), this.chains);
    const outcomes: StartOutcome[] = [];
    for (const trigger of triggers) {
      const outcome = await this.#fire(trigger, starts);
      if (outcome) outcomes.push(outcome);
    }
    await starts.count();
    await recordStarts(em, organisationId, outcomes);
    this.#tellOfLimits(starts, outcomes);
  }

  /** What became of it; undefined where the filter does not let the event through. */
  async #fire(trigger: Trigger, starts: StartsOfEvent): Promise<StartOutcome | undefined> {
    const data = starts.dataFor(trigger);
    const triggerId = trigger.id;
    try {
      if (!(await this.#holds(trigger, data))) return undefined;
      const refusal = await starts.refusal();
      if (refusal) return { triggerId, refusal };
      await this.firing.start(starts.em, trigger, { data, input: await this.firing.inputOf(trigger, data) });
      starts.started += 1;
      return { triggerId };
    } catch (error) {
      // What the domain refuses it refuses before it writes anything; a server that is stopping leaves it to another.
      const refused =
        error instanceof NodeFailure || (error instanceof DomainError && error.code !== 'service_unavailable');
      if (!refused) throw error;
      this.#log.warn({ trigger: triggerId, event: starts.event.id, code: error.code }, 'An event started nothing');
      return { triggerId, refusal: error };
    }
  }

  async #holds(trigger: Trigger, data: TriggerData): Promise<boolean> {
    const { filter } = trigger.config as EventConfig;
    if (filter === null) return true;
    const { organisationId } = trigger;
    const options = { organisationId, maxWaitMs: requestMaxWaitMs, locals: { event: data['event']! } };
    return this.evaluator.isTrue(filter, this.firing.scopeOf(trigger, data), options);
  }

  /** Once per event: a chain that has grown too wide has many triggers. */
  #tellOfLimits({ event, link, limit }: StartsOfEvent, outcomes: readonly StartOutcome[]): void {
    if (!limit) return;
    const refused = outcomes.filter(({ refusal }) => refusal === limit).length;
    const told = { event: event.id, type: event.type, origin: link.origin, code: limit.code, refused };
    this.#log.warn(told, 'An event is too far down a chain of events, or in one too wide, to start more');
  }
}

/** The starts of one event, and how many its chain still allows. */
class StartsOfEvent {
  started = 0;
  /** Why starts were refused, once one was. */
  limit: Refusal | undefined;
  #room: number | undefined;

  constructor(
    readonly em: EntityManager,
    readonly event: HappenedEvent,
    readonly link: ChainLink,
    private readonly chains: EventChains,
  ) {}

  dataFor({ id }: Trigger): TriggerData {
    const { id: eventId, type, createdAt, data } = this.event;
    const seen = { id: eventId, type, occurred_at: createdAt.toISOString(), data: data as Json };
    return { type: 'event', trigger_id: id, event: seen, depth: this.link.depth, origin: this.link.origin };
  }

  /** Why nothing more may be started; undefined when it may. */
  async refusal(): Promise<Refusal | undefined> {
    if (this.limit) return this.limit;
    this.limit = this.chains.tooDeep(this.link);
    if (this.limit) return this.limit;
    this.#room ??= await this.chains.room(this.em, this.event.organisationId, this.link);
    if (this.started >= this.#room) this.limit = this.chains.full(this.link);
    return this.limit;
  }

  count(): Promise<void> {
    return this.chains.count(this.em, this.link, this.started);
  }
}
