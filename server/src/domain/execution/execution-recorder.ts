import type { MikroORM } from '@mikro-orm/postgresql';
import { isPassing } from '../passing-error.ts';
import type { ExecutionMetrics } from './execution-metrics.ts';
import type { LiveChannel } from './live-channel.ts';
import { Recording } from './recording.ts';
import { type Stored, storeRecordings } from './store-recordings.ts';

/** Executions written in one statement at most. */
const batchSize = 200;
const firstPause = 50;
const longestPause = 2_000;

export interface ExecutionRecorderOptions {
  readonly orm: MikroORM;
  readonly live: LiveChannel;
  readonly metrics?: ExecutionMetrics;
  /** Called when something was written that others listen to. */
  readonly heard?: () => void;
  readonly warn?: (message: string, error: unknown) => void;
}

/**
 * Writes what runs tell into the application's tables. All executions of the process share one lane: what piles up while
 * a statement is under way goes into the next one, so the cost per step falls as the load grows. Everything is written in
 * the order in which it was told, and again after a crash, to no effect where it is there already.
 */
export class ExecutionRecorder {
  readonly #orm: MikroORM;
  readonly #live: LiveChannel;
  readonly #metrics: ExecutionMetrics | undefined;
  readonly #heard: (() => void) | undefined;
  readonly #warn: (message: string, error: unknown) => void;
  #next = new Map<string, Recording>();
  #writing: Promise<void> | undefined;
  readonly #ended = new Set<string>();
  #closed = false;

  constructor({ orm, live, metrics, heard, warn }: ExecutionRecorderOptions) {
    this.#orm = orm;
    this.#live = live;
    this.#metrics = metrics;
    this.#heard = heard;
    this.#warn = warn ?? (() => undefined);
  }

  /** Hands over what `tell` puts into the recording; it is written soon, without anybody waiting. */
  record(executionId: string, tell: (recording: Recording) => void): void {
    tell(this.#recording(executionId));
  }

  /** Ends when all that was told about the execution is stored; false when the execution had ended before. */
  async stored(executionId: string): Promise<boolean> {
    return this.#recording(executionId).stored();
  }

  /** True once something told about the execution came after its end, so that its run is of no more use. */
  isClosed(executionId: string): boolean {
    return this.#ended.has(executionId);
  }

  /** The run of the execution is over in this process. */
  forget(executionId: string): void {
    this.#ended.delete(executionId);
  }

  /** Writes what is left and takes no more. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#writing;
  }

  #recording(executionId: string): Recording {
    let recording = this.#next.get(executionId);
    if (!recording) {
      recording = new Recording(executionId);
      this.#next.set(executionId, recording);
    }
    // On the next turn, so that what is told in this one goes along.
    this.#writing ??= new Promise<void>((resolve) => setImmediate(resolve)).then(() => this.#write());
    return recording;
  }

  async #write(): Promise<void> {
    while (this.#next.size > 0) {
      const batch = [...this.#next.values()].slice(0, batchSize);
      for (const { executionId } of batch) this.#next.delete(executionId);
      await this.#store(batch);
    }
    this.#writing = undefined;
  }

  async #store(batch: readonly Recording[]): Promise<void> {
    for (let pause = firstPause; ; pause = Math.min(pause * 2, longestPause)) {
      try {
        const stored = await storeRecordings(this.#orm, batch);
        for (const recording of batch) this.#settled(recording, stored.open.get(recording.executionId)?.status);
        this.#count(stored);
        if (stored.heard) this.#heard?.();
        return;
      } catch (error) {
        if (!isPassing(error) || this.#closed) return this.#isolate(batch, error);
        if (pause === firstPause) this.#warn('Executions could not be written; it is tried again.', error);
        await new Promise((resolve) => setTimeout(resolve, pause));
      }
    }
  }

  #count({ open, steps }: Stored): void {
    for (const { status, seconds } of open.values()) {
      if (seconds !== null) this.#metrics?.executionEnded(status, seconds);
    }
    for (const { type, status, seconds } of steps) this.#metrics?.stepEnded(type, status, seconds ?? 0);
  }

  /** One execution whose data the database refuses must not hold up the others. */
  async #isolate(batch: readonly Recording[], error: unknown): Promise<void> {
    if (batch.length > 1 && !this.#closed) {
      for (const recording of batch) await this.#store([recording]);
      return;
    }
    for (const recording of batch) {
      this.#warn(`Execution ${recording.executionId} could not be written.`, error);
      recording.settle({ error });
    }
  }

  /** `status` is that of the execution now; undefined when it had ended before. */
  #settled(recording: Recording, status: string | undefined): void {
    const open = status !== undefined;
    if (!open) this.#ended.add(recording.executionId);
    // Paused, and at work all the same: should the news have been lost, here they are again.
    if (status === 'paused') this.#live.publish(recording.executionId, undefined);
    if (open && recording.hasEvents) this.#live.publish(recording.executionId, recording.ends);
    recording.settle({ open });
  }
}
