import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { type Json, ResourceNotFoundError, ValidationFailedError } from '../domain-error.ts';
import { Evaluator, fieldPath, requestMaxWaitMs } from '../language/index.ts';
import { sha256 } from '../secret.ts';
import { ExecutionWait } from './execution-wait.entity.ts';
import { ExecutionWaits } from './execution-waits.ts';
import { checkStorable } from '../storable.ts';

/** Takes the events that executions wait for, from whoever has the URL. */
@Injectable()
export class CallbackService {
  constructor(
    private readonly em: EntityManager,
    private readonly waits: ExecutionWaits,
    private readonly evaluator: Evaluator,
  ) {}

  /**
   * Hands the payload to the node whose URL has this token, and returns when it was taken. Throws ResourceNotFoundError,
   * ValidationFailedError for a payload that does not satisfy the node's schema, SandboxUnavailableError, and WaitClosedError.
   */
  async receive(token: string, payload: Json): Promise<Date> {
    checkStorable('body', payload);
    // No transaction is open while the sandbox is waited for: it would keep a connection from others.
    await this.#check(await this.#find(this.em, token), payload);
    return this.em.transactional(async (em) => {
      const wait = await this.#find(em, token);
      await this.waits.answer(wait, { status: 'received', payload }, em);
      return wait.decidedAt!;
    });
  }

  async #find(em: EntityManager, token: string): Promise<ExecutionWait> {
    const where = { tokenHash: sha256(token), kind: 'event' } as const;
    const wait = await em.findOne(ExecutionWait, where, { refresh: true });
    if (!wait) throw new ResourceNotFoundError('callback', abridged(token));
    return wait;
  }

  async #check({ payloadSchema, organisationId }: ExecutionWait, payload: Json): Promise<void> {
    const turn = { organisationId, maxWaitMs: requestMaxWaitMs };
    const faults = payloadSchema ? await this.evaluator.schemaFaults(payloadSchema, payload, turn) : [];
    if (faults.length === 0) return;
    throw new ValidationFailedError(
      'The body does not satisfy the schema of what is waited for.',
      faults.map(({ keys, message }) => ({ field: fieldPath(keys), message, location: 'body' as const })),
    );
  }
}

/** Enough to tell one from another, too little to call it. */
function abridged(token: string): string {
  return `${token.slice(0, 6)}...`;
}
