import { LockMode, type EntityManager } from '@mikro-orm/core';
import type { EntityManager as SqlEntityManager, MikroORM } from '@mikro-orm/postgresql';
import type { Json } from '../domain-error.ts';
import { failpoint } from '../failpoints.ts';
import type { WaitAnswer } from '../nodes/node-type.ts';
import { Engine } from './engine.ts';
import { ExecutionWait } from './execution-wait.entity.ts';
import { WaitClosedError } from './execution.errors.ts';

/** Somebody's answer to a wait. */
export interface WaitDecision {
  readonly status: 'approved' | 'declined' | 'received';
  readonly payload?: Json;
  readonly decidedBy?: string;
  readonly note?: string | null;
}

/** Ends waits: by an answer from outside, or because their time is over; whichever changes the row first. */
export class ExecutionWaits {
  readonly #orm: MikroORM;
  readonly #engine: Engine;

  constructor(orm: MikroORM, engine: Engine) {
    this.#orm = orm;
    this.#engine = engine;
  }

  /**
   * Ends the wait and lets the run go on, in the transaction of `em`, which has read the wait. Throws WaitClosedError when
   * it has ended or its time is over.
   */
  async answer(wait: ExecutionWait, decision: WaitDecision, em: SqlEntityManager): Promise<void> {
    await locked(em, wait);
    const at = new Date();
    if (!wait.isOpen(at)) throw new WaitClosedError(wait.id, wait.status === 'pending' ? 'expired' : wait.status);
    const { status, decidedBy = null, note = null, payload = null } = decision;
    Object.assign(wait, { status, decidedBy, note, decidedAt: at });
    await em.flush();
    failpoint('wait.answered');
    await this.#engine.signal(wait.executionId, wait.signal, { ...answerOf(wait, payload) }, em);
  }

  /** Ends the wait as expired; false when it was answered before. */
  async expire(executionId: string, signal: string): Promise<boolean> {
    return this.#orm.em.fork().transactional(async (em) => {
      const wait = await em.findOne(ExecutionWait, { executionId, signal }, { lockMode: LockMode.PESSIMISTIC_WRITE });
      if (!wait || wait.status === 'expired') return true;
      if (wait.status !== 'pending') return false;
      Object.assign(wait, { status: 'expired', decidedAt: new Date() });
      return true;
    });
  }
}

/** What the run is told of a wait that was answered. */
export function answerOf(
  { status, decidedBy, note, decidedAt }: Pick<ExecutionWait, 'status' | 'decidedBy' | 'note' | 'decidedAt'>,
  payload: Json,
): WaitAnswer {
  const at = decidedAt!.toISOString();
  return { status: status as WaitAnswer['status'], payload, decided_by: decidedBy ?? null, note: note ?? null, at };
}

/** Two answers at once come one after the other, and the second one finds what the first has left. */
async function locked(em: EntityManager, wait: ExecutionWait): Promise<void> {
  await em.refresh(wait, { lockMode: LockMode.PESSIMISTIC_WRITE });
}
