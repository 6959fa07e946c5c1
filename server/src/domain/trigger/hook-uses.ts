import { MikroORM } from '@mikro-orm/postgresql';
import { Injectable, Logger, type BeforeApplicationShutdown } from '@nestjs/common';
import { BatchMetrics } from '../batch-metrics.ts';
import { isPassing } from '../passing-error.ts';
import { watchBatcher } from '../tenancy/shared-resources.ts';

interface Uses {
  count: number;
  at: string;
}

type Row = Uses & { readonly id: string };

/** Milliseconds in which uses are gathered: a busy hook's row would otherwise be what all its requests wait for. */
const gather = 500;
/** Hooks counted in one statement. */
const batchSize = 1_000;
const batcher = 'hook_uses';

const statement = `with used as (
   select u.id, u.count, u.at from jsonb_to_recordset(?::jsonb) as u(id text, count int, at timestamptz)
   join trigger t on t.id = u.id order by t.id for no key update of t
 )
 update trigger t set trigger_count = t.trigger_count + used.count,
   last_triggered_at = greatest(t.last_triggered_at, used.at)
 from used where used.id = t.id`;

/** Counts the starts of webhook triggers, all of a moment in one statement. A process that is killed forgets its last moment. */
@Injectable()
export class HookUses implements BeforeApplicationShutdown {
  readonly #log = new Logger(HookUses.name);
  #uses = new Map<string, Uses>();
  #since = Date.now();
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(
    private readonly orm: MikroORM,
    private readonly metrics: BatchMetrics,
  ) {
    watchBatcher(batcher, () => {
      const items = this.#uses.size;
      return { items, bytes: 0, oldestMs: items === 0 ? 0 : Date.now() - this.#since };
    });
  }

  add(triggerId: string): void {
    this.#gather(triggerId, 1, new Date().toISOString());
  }

  async beforeApplicationShutdown(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#writing;
    await this.#writeAll();
  }

  #gather(id: string, count: number, at: string): void {
    if (this.#uses.size === 0) this.#since = Date.now();
    const before = this.#uses.get(id);
    this.#uses.set(id, { count: count + (before?.count ?? 0), at: before && before.at > at ? before.at : at });
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#writing = this.#writeAll();
    }, gather).unref();
  }

  async #writeAll(): Promise<void> {
    const uses = this.#uses;
    this.#uses = new Map();
    // In one order, so that two processes never wait for each other.
    const rows = [...uses].map(([id, use]) => ({ id, ...use })).sort((a, b) => (a.id < b.id ? -1 : 1));
    for (let from = 0; from < rows.length; from += batchSize) await this.#write(rows.slice(from, from + batchSize));
  }

  /** What the database refuses of one hook, such as a count beyond the largest, is looked for by halves, and forgotten. */
  async #write(rows: readonly Row[]): Promise<void> {
    try {
      await this.orm.em.fork().execute(statement, [JSON.stringify(rows)]);
    } catch (err) {
      if (isPassing(err)) return this.#again(rows, err);
      if (rows.length === 1) return this.#refused(rows[0]!, err);
      const half = Math.ceil(rows.length / 2);
      await this.#write(rows.slice(0, half));
      await this.#write(rows.slice(half));
    }
  }

  #again(rows: readonly Row[], err: unknown): void {
    this.metrics.batchFailed(batcher, 'passing');
    this.#log.warn({ err }, 'Uses of hooks could not be counted; they are counted with the next ones');
    for (const { id, count, at } of rows) this.#gather(id, count, at);
  }

  #refused({ id, count }: Row, err: unknown): void {
    this.metrics.batchFailed(batcher, 'refused');
    this.#log.error({ err, trigger: id, count }, 'Uses of a hook could not be counted; they are left out');
  }
}
