import type { EventEmitter } from 'node:events';
import type { Pool } from 'pg';
import { isWriteRefused } from '../../domain/passing-error.ts';

/** Milliseconds after a refused write until the database counts as writable again; work that waits tries again every two seconds. */
const memory = 15_000;

/** What the codes mean, for everybody to read. */
const reasons: Readonly<Record<string, string>> = {
  '25006': 'its database takes no writes, because it is read-only',
  '53100': 'its database takes no writes, because its disk is full',
};

/**
 * Notices when the database refuses writes, by what it answers on the connections of the process: nothing is asked or
 * written for it.
 */
export class WriteRefusals {
  #last: { readonly code: string; readonly at: number } | undefined;

  /** Watches every connection that the pool makes from now on. */
  watch(pool: Pool): void {
    pool.on('connect', (client) => {
      // What the server says, before it becomes the error of a query; the types of `pg` leave it out.
      const { connection } = client as unknown as { connection: EventEmitter };
      connection.on('errorMessage', (message: { code?: string }) => this.note(message));
    });
  }

  note(error: { code?: string }): void {
    if (isWriteRefused(error)) this.#last = { code: error.code!, at: performance.now() };
  }

  /** Why writes are refused, or undefined. */
  problem(): string | undefined {
    if (!this.#last || performance.now() - this.#last.at > memory) return undefined;
    return reasons[this.#last.code];
  }
}
