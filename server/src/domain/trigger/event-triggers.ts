import type { EntityManager } from '@mikro-orm/postgresql';
import { Injectable, Logger } from '@nestjs/common';
import { DomainError, type Json } from '../domain-error.ts';
import { DomainEvents, type EventListener, type FailedListener } from '../event/domain-events.ts';
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

  /** Each trigger starts, is refused or fails for itself. */
  async onEvent(em: EntityManager, event: HappenedEvent, triggerIds: readonly string[]): Promise<FailedListener[]> {
    const { organisationId } = event;
    const where = { id: { $in: [...triggerIds] }, organisationId, kind: 'event' as const, enabled: true };
    const triggers = await em.find(Trigger, where, { orderBy: { id: 'asc' } });
    if (triggers.length === 0) return [];
    const starts = new StartsOfEvent(em, event, await this.chains.after(em, event), this.chains, triggers.length);
    const outcomes: StartOutcome[] = [];
    const failed: FailedListener[] = [];
    for (const trigger of triggers) {
      const outcome = await this.#fire(trigger, starts);
      if (outcome && 'error' in outcome) failed.push(outcome);
      else if (outcome) outcomes.push(outcome);
    }
    await starts.count();
    await recordStarts(em, organisationId, outcomes);
    this.#tellOfLimits(starts, outcomes);
    return failed;
  }

  /** What became of it; undefined where the filter does not let the event through. */
  async #fire(trigger: Trigger, starts: StartsOfEvent): Promise<StartOutcome | FailedListener | undefined> {
    const data = starts.dataFor(trigger);
    const holds = await this.#attempt(trigger, starts, () => this.#holds(trigger, data));
    if (typeof holds !== 'boolean') return holds;
    if (!holds) return undefined;
    const refusal = await starts.refusal();
    if (refusal) return { triggerId: trigger.id, refusal };
    const started = await this.#attempt(trigger, starts, async () => {
      const input = await this.firing.inputOf(trigger, data);
      await starts.isolated((em) => this.firing.start(em, trigger, { data, input }));
      return true;
    });
    if (typeof started !== 'boolean') return started;
    starts.started += 1;
    return { triggerId: trigger.id };
  }

  /** What the work gives, or how it ended for this trigger alone. */
  async #attempt(
    { id }: Trigger,
    starts: StartsOfEvent,
    work: () => Promise<boolean>,
  ): Promise<boolean | StartOutcome | FailedListener> {
    try {
      return await work();
    } catch (error) {
      // What the domain refuses is refused for good; a server that is stopping leaves it to another.
      const refused =
        error instanceof NodeFailure || (error instanceof DomainError && error.code !== 'service_unavailable');
      if (refused) {
        this.#log.warn({ trigger: id, event: starts.event.id, code: error.code }, 'An event started nothing');
        return { triggerId: id, refusal: error };
      }
      if (starts.triggers === 1) throw error;
      return { listenerId: id, error };
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
    readonly triggers: number,
  ) {}

  /** A statement that fails undoes what the work has done and nothing else; for one trigger the transaction does that. */
  async isolated(work: (em: EntityManager) => Promise<unknown>): Promise<void> {
    await (this.triggers === 1 ? work(this.em) : this.em.transactional(work));
  }

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
