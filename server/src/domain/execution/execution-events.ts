import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { ResourceNotFoundError } from '../domain-error.ts';
import { isId } from '../id.ts';
import { ExecutionEvent } from './execution-event.entity.ts';
import { Execution, type ExecutionStatus } from './execution.entity.ts';
import { LiveChannel } from './live-channel.ts';

/** The events of one execution, from a place in its log to its end. */
export interface EventFeed {
  /** How the execution stood when the feed was opened. */
  readonly status: ExecutionStatus;
  /** Those already stored, then new ones as they come; ends after the terminal event, and when the signal fires. */
  readonly events: AsyncIterable<ExecutionEvent>;
}

/** Which execution, and whose. */
type Followed = { id: string; organisationId: string };

const batchSize = 200;
/** How often a follower looks for himself, should news get lost. */
const lookInterval = 5_000;

/** Follows executions live, whichever process runs them. */
@Injectable()
export class ExecutionEvents {
  constructor(
    private readonly em: EntityManager,
    private readonly live: LiveChannel,
  ) {}

  /**
   * All events whose sequence is above `after`. Throws ResourceNotFoundError before anything is followed when the
   * organisation has no such execution.
   */
  async follow(organisationId: string, executionId: string, after: number, signal: AbortSignal): Promise<EventFeed> {
    const where = { id: executionId, organisationId };
    const execution =
      isId('exec', executionId) && (await this.em.fork().findOne(Execution, where, { fields: ['status'] }));
    if (!execution) throw new ResourceNotFoundError('execution', executionId);
    return { status: execution.status, events: this.#follow(where, after, signal) };
  }

  async *#follow(execution: Followed, after: number, signal: AbortSignal): AsyncGenerator<ExecutionEvent> {
    let last = after;
    let wake = Promise.withResolvers<void>();
    const unsubscribe = this.live.subscribe(execution.id, () => wake.resolve());
    const onAbort = (): void => wake.resolve();
    signal.addEventListener('abort', onAbort);
    try {
      while (!signal.aborted) {
        wake = Promise.withResolvers<void>();
        const { events, ended } = await this.#read(execution, last);
        for (const event of events) {
          if (signal.aborted) return;
          last = event.sequence;
          yield event;
          if (event.terminal) return;
        }
        if (events.length === batchSize) continue;
        if (ended) return;
        await this.#pause(wake.promise);
      }
    } finally {
      signal.removeEventListener('abort', onAbort);
      unsubscribe();
    }
  }

  /** `ended` is read first, so that an end which comes in between is not taken for the end of the log. */
  async #read(followed: Followed, last: number): Promise<{ events: ExecutionEvent[]; ended: boolean }> {
    const em = this.em.fork();
    const execution = await em.findOne(Execution, followed, { fields: ['status'] });
    const where = { executionId: followed.id, organisationId: followed.organisationId, sequence: { $gt: last } };
    const events = await em.find(ExecutionEvent, where, { orderBy: { sequence: 'asc' }, limit: batchSize });
    const ended = !execution || ['completed', 'failed', 'cancelled'].includes(execution.status);
    return { events, ended };
  }

  async #pause(wake: Promise<void>): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    await Promise.race([wake, new Promise<void>((resolve) => (timer = setTimeout(resolve, lookInterval)))]);
    clearTimeout(timer);
  }
}
