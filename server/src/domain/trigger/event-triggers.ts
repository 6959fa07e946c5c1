import type { EntityManager } from '@mikro-orm/postgresql';
import { Injectable, Logger } from '@nestjs/common';
import { DomainError, type Json } from '../domain-error.ts';
import { DomainEvents, type EventListener } from '../event/domain-events.ts';
import type { HappenedEvent } from '../event/domain-event.entity.ts';
import { Evaluator } from '../language/index.ts';
import { NodeFailure } from '../nodes/node-type.ts';
import type { EventConfig } from './trigger-config.ts';
import { type TriggerData, TriggerFiring } from './trigger-firing.ts';
import { countStart, Trigger } from './trigger.entity.ts';

/** How many executions may follow from one another by events: a trigger could hear of what it has started itself. */
const deepest = 5;

/** Starts what listens to events. Called once per event, in a transaction of its own. */
@Injectable()
export class EventTriggers implements EventListener {
  readonly kind = 'trigger';
  readonly #log = new Logger(EventTriggers.name);

  constructor(
    events: DomainEvents,
    private readonly firing: TriggerFiring,
    private readonly evaluator: Evaluator,
  ) {
    events.subscribe(this);
  }

  async onEvent(em: EntityManager, event: HappenedEvent, triggerIds: readonly string[]): Promise<void> {
    const { organisationId } = event;
    const depth = (await depthOf(em, event)) + 1;
    if (depth > deepest) {
      this.#log.warn({ event: event.id, type: event.type }, 'An event is too far down a chain of events to start more');
      return;
    }
    const where = { id: { $in: [...triggerIds] }, organisationId, kind: 'event' as const, enabled: true };
    for (const trigger of await em.find(Trigger, where, { orderBy: { id: 'asc' } })) {
      await this.#fire(em, trigger, event, depth);
    }
  }

  async #fire(em: EntityManager, trigger: Trigger, event: HappenedEvent, depth: number): Promise<void> {
    const seen = {
      id: event.id,
      type: event.type,
      occurred_at: event.createdAt.toISOString(),
      data: event.data as Json,
    };
    const data: TriggerData = { type: 'event', trigger_id: trigger.id, event: seen, depth };
    try {
      if (!(await this.#holds(trigger, data, seen))) return;
      await this.firing.start(em, trigger, { data, input: await this.firing.inputOf(trigger, data) });
      await countStart(em, trigger);
    } catch (error) {
      // What the domain refuses it refuses before it writes anything; a server that is stopping leaves it to another.
      const refused =
        error instanceof NodeFailure || (error instanceof DomainError && error.code !== 'service_unavailable');
      if (!refused) throw error;
      this.#log.warn({ trigger: trigger.id, event: event.id, code: error.code }, 'An event started nothing');
    }
  }

  async #holds(trigger: Trigger, data: TriggerData, event: Json): Promise<boolean> {
    const { filter } = trigger.config as EventConfig;
    if (filter === null) return true;
    return this.evaluator.isTrue(filter, this.firing.scopeOf(trigger, data), { locals: { event } });
  }
}

/**
 * How many events lie between the execution that the event is about and one that no event has started. What a workflow
 * calls goes on where its caller is: an execution would otherwise begin the chain anew by calling another one.
 */
async function depthOf(em: EntityManager, { organisationId, data }: HappenedEvent): Promise<number> {
  const { execution_id: id } = data as { execution_id?: string };
  if (id === undefined) return 0;
  const [row] = await em.execute<{ depth: number | null }[]>(
    `with recursive caller as (
       select started_by_type, started_by_id, "trigger" from execution where id = ? and organisation_id = ?
       union all
       select e.started_by_type, e.started_by_id, e."trigger" from execution e
         join caller on caller.started_by_type = 'execution' and e.id = caller.started_by_id
     )
     select max(("trigger"->>'depth')::int) as depth from caller where "trigger"->>'type' = 'event'`,
    [id, organisationId],
  );
  return row?.depth ?? 0;
}
