import { LockMode } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { ResourceNotFoundError } from '../domain-error.ts';
import { failpoint } from '../failpoints.ts';
import type { DomainEvents } from '../event/domain-events.ts';
import { isId } from '../id.ts';
import { countBytes } from '../storage/count-bytes.ts';
import { announceCancelled } from './announcement.ts';
import type { Engine } from './engine.ts';
import { bytesOfEvent } from './execution-bytes.ts';
import type { ExecutionEvent } from './execution-event.entity.ts';
import type { ExecutionMetrics } from './execution-metrics.ts';
import { ExecutionWait } from './execution-wait.entity.ts';
import { Execution, terminalStatuses, withoutResult } from './execution.entity.ts';
import { childSignal } from './interpreter/program.ts';
import type { LiveChannel } from './live-channel.ts';
import { removeExecutions } from './remove-executions.ts';
import { Step, type StepStatus } from './step.entity.ts';

/** What steering executions needs. */
export interface ExecutionControlOptions {
  readonly em: EntityManager;
  readonly engine: Engine;
  readonly live: LiveChannel;
  readonly metrics: Pick<ExecutionMetrics, 'executionEnded'>;
  readonly events: Pick<DomainEvents, 'emitBy'>;
}

/** Steers executions of an organisation. Another organisation's id is a ResourceNotFoundError. */
export class ExecutionControl {
  readonly #options: ExecutionControlOptions;

  constructor(options: ExecutionControlOptions) {
    this.#options = options;
  }

  /**
   * Ends it at once, with the executions that its nodes have called; steps at work are told to stop. Throws
   * ExecutionAlreadyFinishedError when it has ended.
   */
  async cancel(organisationId: string, id: string): Promise<Execution> {
    const cancelled = await this.#options.em.transactional((em) => this.cancelIn(em, organisationId, id));
    failpoint('cancel.committed');
    this.announce(cancelled);
    return cancelled[0]!;
  }

  /** As `cancel`, in the transaction of `em`: the execution and those it called. `announce` them once it has committed. */
  async cancelIn(em: EntityManager, organisationId: string, id: string): Promise<Execution[]> {
    const cancelled = await this.#cancelWithCalled(em, organisationId, id);
    failpoint('cancel.stored');
    // Behind all rows of executions: who locks both locks runs last.
    await this.#options.engine.cancel(
      cancelled.map((execution) => execution.id),
      em,
    );
    failpoint('cancel.cancelled');
    return cancelled;
  }

  async #cancelWithCalled(em: EntityManager, organisationId: string, id: string): Promise<Execution[]> {
    const execution = await this.#lock(em, organisationId, id);
    const at = new Date();
    await addEvent(em, execution.cancel(at));
    const ofExecution = { executionId: id, organisationId };
    const open = { ...ofExecution, status: { $in: ['pending', 'running', 'waiting'] as StepStatus[] } };
    await em.nativeUpdate(Step, open, { status: 'cancelled', completedAt: at });
    const waits = { ...ofExecution, status: 'pending' as const };
    await em.nativeUpdate(ExecutionWait, waits, { status: 'cancelled', decidedAt: at });
    await announceCancelled(this.#options.events, em, [id]);
    const { parentExecutionId: parent } = execution;
    if (parent) await this.#options.engine.signal(parent, childSignal(id), { at: at.toISOString() }, em);
    const cancelled = [execution];
    const called = { organisationId, parentExecutionId: id, status: { $nin: [...terminalStatuses] } };
    for (const child of await em.find(Execution, called, { fields: ['id'], orderBy: { id: 'asc' } }))
      if (!(await this.#lock(em, organisationId, child.id)).ended)
        cancelled.push(...(await this.#cancelWithCalled(em, organisationId, child.id)));
    return cancelled;
  }

  /** Tells followers and metrics of executions whose cancellation has been committed. */
  announce(cancelled: readonly Execution[]): void {
    for (const { id, createdAt } of cancelled) {
      this.#options.live.publish(id, true);
      this.#options.metrics.executionEnded('cancelled', (Date.now() - createdAt.getTime()) / 1_000);
    }
  }

  /**
   * Begins no more nodes of it, nor further attempts at one, until `resume`: what is in flight comes to its end, and then
   * the run rests. What it has called goes on. Throws ExecutionStatusConflictError when it has ended or is paused already.
   */
  async pause(organisationId: string, id: string): Promise<Execution> {
    const paused = await this.#options.em.transactional(async (em) => {
      const execution = await this.#lock(em, organisationId, id);
      await addEvent(em, execution.pause(new Date()));
      return execution;
    });
    failpoint('pause.committed');
    this.#options.live.publish(id, undefined);
    return paused;
  }

  /** Lets it go on where it was. Throws ExecutionStatusConflictError unless it is paused. */
  async resume(organisationId: string, id: string): Promise<Execution> {
    const resumed = await this.#options.em.transactional(async (em) => {
      const execution = await this.#lock(em, organisationId, id);
      await addEvent(em, execution.resume(new Date()));
      failpoint('resume.stored');
      await this.#options.engine.wake(id, em);
      return execution;
    });
    this.#options.live.publish(id, undefined);
    return resumed;
  }

  /** Removes it with its steps, logs and events. Throws ExecutionStatusConflictError unless it has ended. */
  async delete(organisationId: string, id: string): Promise<void> {
    await this.#options.em.transactional(async (em) => {
      const execution = await this.#lock(em, organisationId, id);
      execution.assertStatus(terminalStatuses, 'can be deleted');
      await removeExecutions(em, [id]);
    });
    await this.#options.engine.forget([id]);
  }

  /** As `cancelIn`; nothing when it has ended. */
  async cancelOpen(em: EntityManager, organisationId: string, id: string): Promise<Execution[]> {
    const { ended } = await this.#lock(em, organisationId, id);
    return ended ? [] : this.cancelIn(em, organisationId, id);
  }

  async #lock(em: EntityManager, organisationId: string, id: string): Promise<Execution> {
    const where = { id, organisationId };
    const options = { ...withoutResult, lockMode: LockMode.PESSIMISTIC_WRITE, refresh: true } as const;
    const execution = isId('exec', id) && (await em.findOne(Execution, where, options));
    if (!execution) throw new ResourceNotFoundError('execution', id);
    return execution as unknown as Execution;
  }
}

async function addEvent(em: EntityManager, event: ExecutionEvent): Promise<void> {
  em.persist(event);
  await em.flush();
  await countBytes(em, event.organisationId, { events: bytesOfEvent(event) });
}
