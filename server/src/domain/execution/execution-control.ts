import { LockMode } from '@mikro-orm/core';
import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable, Logger } from '@nestjs/common';
import { ResourceNotFoundError } from '../domain-error.ts';
import { DomainEvents } from '../event/domain-events.ts';
import { isId } from '../id.ts';
import { announceCancelled } from './announcement.ts';
import { Engine } from './engine.ts';
import { ExecutionMetrics } from './execution-metrics.ts';
import { ExecutionWait } from './execution-wait.entity.ts';
import { Execution } from './execution.entity.ts';
import { LiveChannel } from './live-channel.ts';
import { Step, type StepStatus } from './step.entity.ts';

/** Steers executions of an organisation. Another organisation's id is a ResourceNotFoundError. */
@Injectable()
export class ExecutionControl {
  readonly #log = new Logger(ExecutionControl.name);

  constructor(
    private readonly em: EntityManager,
    private readonly engine: Engine,
    private readonly live: LiveChannel,
    private readonly metrics: ExecutionMetrics,
    private readonly events: DomainEvents,
  ) {}

  /** Ends it at once; a step at work is told to stop. Throws ExecutionAlreadyFinishedError when it has ended. */
  async cancel(organisationId: string, id: string): Promise<Execution> {
    if (!isId('exec', id)) throw new ResourceNotFoundError('execution', id);
    const execution = await this.em.transactional(async (em) => {
      const lockMode = LockMode.PESSIMISTIC_WRITE;
      const found = await em.findOne(Execution, { id, organisationId }, { lockMode, refresh: true });
      if (!found) throw new ResourceNotFoundError('execution', id);
      const at = new Date();
      em.persist(found.cancel(at));
      await em.flush();
      const open = {
        executionId: id,
        organisationId,
        status: { $in: ['pending', 'running', 'waiting'] as StepStatus[] },
      };
      await em.nativeUpdate(Step, open, { status: 'cancelled', completedAt: at });
      const waits = { executionId: id, organisationId, status: 'pending' as const };
      await em.nativeUpdate(ExecutionWait, waits, { status: 'cancelled', decidedAt: at });
      await announceCancelled(this.events, em, [id]);
      return found;
    });
    this.live.publish(id, true);
    this.metrics.executionEnded('cancelled', (Date.now() - execution.createdAt.getTime()) / 1_000);
    // Should this not arrive, the run ends by itself at its next node: what it tells is refused.
    await this.engine.cancel(id).catch((error: unknown) => {
      this.#log.warn({ executionId: id, err: error }, 'The engine could not be told of a cancellation.');
    });
    return execution;
  }
}
