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
import { Execution, terminalStatuses } from './execution.entity.ts';
import { childSignal } from './interpreter/program.ts';
import { LiveChannel } from './live-channel.ts';
import { removeExecutions } from './remove-executions.ts';
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

  /**
   * Ends it at once, with the executions that its nodes have called; steps at work are told to stop. Throws
   * ExecutionAlreadyFinishedError when it has ended.
   */
  async cancel(organisationId: string, id: string): Promise<Execution> {
    const cancelled = await this.em.transactional((em) => this.cancelIn(em, organisationId, id));
    await this.announce(cancelled);
    return cancelled[0]!;
  }

  /** As `cancel`, in the transaction of `em`: the execution and those it called. `announce` them once it has committed. */
  async cancelIn(em: EntityManager, organisationId: string, id: string): Promise<Execution[]> {
    const execution = await this.#lock(em, organisationId, id);
    const at = new Date();
    em.persist(execution.cancel(at));
    await em.flush();
    const ofExecution = { executionId: id, organisationId };
    const open = { ...ofExecution, status: { $in: ['pending', 'running', 'waiting'] as StepStatus[] } };
    await em.nativeUpdate(Step, open, { status: 'cancelled', completedAt: at });
    const waits = { ...ofExecution, status: 'pending' as const };
    await em.nativeUpdate(ExecutionWait, waits, { status: 'cancelled', decidedAt: at });
    await announceCancelled(this.events, em, [id]);
    const { parentExecutionId: parent } = execution;
    if (parent) await this.engine.signal(parent, childSignal(id), { at: at.toISOString() }, em);
    const cancelled = [execution];
    const called = { organisationId, parentExecutionId: id, status: { $nin: [...terminalStatuses] } };
    for (const child of await em.find(Execution, called, { fields: ['id'], orderBy: { id: 'asc' } }))
      cancelled.push(...(await this.cancelOpen(em, organisationId, child.id)));
    return cancelled;
  }

  /** Tells followers, metrics and the engine of executions whose cancellation has been committed. */
  async announce(cancelled: readonly Execution[]): Promise<void> {
    for (const { id, createdAt } of cancelled) {
      this.live.publish(id, true);
      this.metrics.executionEnded('cancelled', (Date.now() - createdAt.getTime()) / 1_000);
      // Should this not arrive, the run ends by itself at its next node: what it tells is refused.
      await this.engine.cancel(id).catch((error: unknown) => {
        this.#log.warn({ executionId: id, err: error }, 'The engine could not be told of a cancellation.');
      });
    }
  }

  /**
   * Begins no more nodes of it, nor further attempts at one, until `resume`: what is in flight comes to its end, and then
   * the run rests. What it has called goes on. Throws ExecutionStatusConflictError when it has ended or is paused already.
   */
  async pause(organisationId: string, id: string): Promise<Execution> {
    const paused = await this.em.transactional(async (em) => {
      const execution = await this.#lock(em, organisationId, id);
      em.persist(execution.pause(new Date()));
      return execution;
    });
    this.live.publish(id, undefined);
    return paused;
  }

  /** Lets it go on where it was. Throws ExecutionStatusConflictError unless it is paused. */
  async resume(organisationId: string, id: string): Promise<Execution> {
    const resumed = await this.em.transactional(async (em) => {
      const execution = await this.#lock(em, organisationId, id);
      em.persist(execution.resume(new Date()));
      await em.flush();
      await this.engine.wake(id, em);
      return execution;
    });
    this.live.publish(id, undefined);
    return resumed;
  }

  /** Removes it with its steps, logs and events. Throws ExecutionStatusConflictError unless it has ended. */
  async delete(organisationId: string, id: string): Promise<void> {
    await this.em.transactional(async (em) => {
      const execution = await this.#lock(em, organisationId, id);
      execution.assertStatus(terminalStatuses, 'can be deleted');
      await removeExecutions(em, [id]);
    });
    await this.engine.forget([id]);
  }

  /** As `cancelIn`; nothing when it has ended. */
  async cancelOpen(em: EntityManager, organisationId: string, id: string): Promise<Execution[]> {
    const { ended } = await this.#lock(em, organisationId, id);
    return ended ? [] : this.cancelIn(em, organisationId, id);
  }

  async #lock(em: EntityManager, organisationId: string, id: string): Promise<Execution> {
    const where = { id, organisationId };
    const options = { lockMode: LockMode.PESSIMISTIC_WRITE, refresh: true } as const;
    const execution = isId('exec', id) && (await em.findOne(Execution, where, options));
    if (!execution) throw new ResourceNotFoundError('execution', id);
    return execution;
  }
}
