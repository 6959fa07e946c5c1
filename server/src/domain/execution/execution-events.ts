import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { ResourceNotFoundError } from '../domain-error.ts';
import { isId } from '../id.ts';
import { EventReader, type LoggedEvent, type LogExcerpt, type LogPlace } from './event-reader.ts';
import { terminalStatuses, type ExecutionStatus } from './execution.entity.ts';
import { LiveChannel } from './live-channel.ts';
import { eventLoop } from '../tenancy/event-loop-turns.ts';

/** The events of one execution, from a place in its log to its end. */
export interface EventFeed {
  /** How the execution stood when the feed was opened. */
  readonly status: ExecutionStatus;
  /** Those already stored, then new ones as they come; ends after the terminal event, and when the signal fires. */
  readonly events: AsyncIterable<LoggedEvent>;
}

const ended: readonly (ExecutionStatus | undefined)[] = [...terminalStatuses, undefined];
/** How often a follower looks for himself, should news get lost. */
const lookInterval = 5_000;

/** Follows executions live, whichever process runs them. */
@Injectable()
export class ExecutionEvents {
  readonly #reader: EventReader;

  constructor(
    em: EntityManager,
    private readonly live: LiveChannel,
  ) {
    this.#reader = new EventReader(em);
  }

  /**
   * All events whose sequence is above `after`. Throws ResourceNotFoundError before anything is followed when the
   * organisation has no such execution.
   */
  async follow(organisationId: string, executionId: string, after: number, signal: AbortSignal): Promise<EventFeed> {
    const place = { executionId, organisationId, after };
    const first = isId('exec', executionId) ? await this.#reader.read(place) : undefined;
    if (first?.status === undefined) throw new ResourceNotFoundError('execution', executionId);
    return { status: first.status, events: this.#follow(place, first, signal) };
  }

  async *#follow(place: LogPlace, first: LogExcerpt, signal: AbortSignal): AsyncGenerator<LoggedEvent> {
    let last = place.after;
    let excerpt = first;
    // What was read before anybody listened may have been followed by news that nobody heard.
    let listened = false;
    let wake = Promise.withResolvers<void>();
    const unsubscribe = this.live.subscribe(place.executionId, () => wake.resolve());
    const onAbort = (): void => wake.resolve();
    signal.addEventListener('abort', onAbort);
    try {
      while (!signal.aborted) {
        await eventLoop.turn(place.organisationId);
        for (const event of excerpt.events) {
          if (signal.aborted) return;
          last = event.sequence;
          yield event;
          if (event.terminal) return;
        }
        if (listened && !excerpt.more) {
          if (ended.includes(excerpt.status)) return;
          await this.#pause(wake.promise);
        }
        listened = true;
        wake = Promise.withResolvers<void>();
        excerpt = await this.#reader.read({ ...place, after: last });
      }
    } finally {
      signal.removeEventListener('abort', onAbort);
      unsubscribe();
    }
  }

  async #pause(wake: Promise<void>): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    await Promise.race([wake, new Promise<void>((resolve) => (timer = setTimeout(resolve, lookInterval)))]);
    clearTimeout(timer);
  }
}
