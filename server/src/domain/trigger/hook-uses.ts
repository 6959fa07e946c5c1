import { MikroORM } from '@mikro-orm/postgresql';
import { Injectable, Logger, type BeforeApplicationShutdown } from '@nestjs/common';

interface Uses {
  count: number;
  at: string;
}

/** Milliseconds in which uses are gathered: a busy hook's row would otherwise be what all its requests wait for. */
const gather = 500;

/** Counts the starts of webhook triggers, all of a moment in one statement. A process that is killed forgets its last moment. */
@Injectable()
export class HookUses implements BeforeApplicationShutdown {
  readonly #log = new Logger(HookUses.name);
  #uses = new Map<string, Uses>();
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(private readonly orm: MikroORM) {}

  add(triggerId: string): void {
    this.#gather(triggerId, 1, new Date().toISOString());
  }

  async beforeApplicationShutdown(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#writing;
    await this.#write();
  }

  #gather(id: string, count: number, at: string): void {
    const before = this.#uses.get(id);
    this.#uses.set(id, { count: count + (before?.count ?? 0), at: before && before.at > at ? before.at : at });
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#writing = this.#write();
    }, gather).unref();
  }

  async #write(): Promise<void> {
    const uses = this.#uses;
    this.#uses = new Map();
    if (uses.size === 0) return;
    // In one order, so that two processes never wait for each other.
    const rows = [...uses].map(([id, use]) => ({ id, ...use })).sort((a, b) => (a.id < b.id ? -1 : 1));
    try {
      await this.orm.em.fork().execute(
        `with used as (
           select u.id, u.count, u.at from jsonb_to_recordset(?::jsonb) as u(id text, count int, at timestamptz)
           join trigger t on t.id = u.id order by t.id for no key update of t
         )
         update trigger t set trigger_count = t.trigger_count + used.count,
           last_triggered_at = greatest(t.last_triggered_at, used.at)
         from used where used.id = t.id`,
        [JSON.stringify(rows)],
      );
    } catch (err) {
      this.#log.warn({ err }, 'Uses of hooks could not be counted; they are counted with the next ones');
      for (const { id, count, at } of rows) this.#gather(id, count, at);
    }
  }
}
