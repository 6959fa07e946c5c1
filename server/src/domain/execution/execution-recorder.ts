import type { MikroORM } from '@mikro-orm/postgresql';
import type { BatchBacklog, BatchMetrics } from '../batch-metrics.ts';
import { isPassing } from '../passing-error.ts';
import { Backlog } from './backlog.ts';
import type { ExecutionMetrics } from './execution-metrics.ts';
import type { LiveChannel } from './live-channel.ts';
import { failWith } from './fail-with.ts';
import { Recording } from './recording.ts';
import { currentOrganisation, outsideOrganisations } from '../tenancy/current-organisation.ts';
import { inTurns } from '../tenancy/turns.ts';
import { Report } from './report.ts';
import { endOpenSteps, type Stored, storeRecordings } from './store-recordings.ts';
import { BatchPace } from '../tenancy/batch-pace.ts';
import { watchBatcher } from '../tenancy/shared-resources.ts';

/** Executions written in one statement at most. */
const batchSize = 200;
/** What the recorder keeps to. */
export interface RecorderLimits {
  /** Bytes of one statement, give or take a report. */
  readonly batchBytes: number;
  /** Bytes of one execution that go into a statement with those of others. */
  readonly sliceBytes: number;
  /** Bytes that may wait to be written before runs wait too: those of one execution, and those of all. */
  readonly waitingBytesOfOne: number;
  readonly waitingBytes: number;
  /** Milliseconds without any progress after which the process is not ready. */
  readonly standstillMs: number;
}

const MiB = 1_048_576;
const defaultLimits: RecorderLimits = {
  // Everybody waits for the statement that is under way: it takes a tenth of a second rather than a whole one.
  batchBytes: MiB,
  sliceBytes: MiB / 16,
  waitingBytesOfOne: 4 * MiB,
  waitingBytes: 64 * MiB,
  standstillMs: 30_000,
};
/** How often in a row what is written of one execution may fail by itself while others are written. */
const maxFailures = 10;

export interface ExecutionRecorderOptions {
  readonly orm: MikroORM;
  readonly live: LiveChannel;
  readonly metrics?: ExecutionMetrics;
  readonly batches?: BatchMetrics;
  /** Called when something was written that others listen to. */
  readonly heard?: () => void;
  readonly warn?: (message: string, error: unknown) => void;
  readonly limits?: Partial<RecorderLimits>;
}

const batcher = 'execution_recorder';
/** Milliseconds between looks at what is to be tried again. */
const lookAgain = 50;

/** Large reports have a statement of their own, so that small ones need not wait for theirs. */
type Kind = 'small' | 'large';

/** One connection's worth of statements, one after the other. */
interface Writer {
  readonly kind: Kind;
  isAtWork: boolean;
  /** The organisations whose rows are in the statement that is under way. */
  organisations: ReadonlySet<string>;
}

const nobody: ReadonlySet<string> = new Set();

interface Turn {
  readonly backlog: Backlog;
  readonly reports: readonly Report[];
  readonly bytes: number;
}

/**
 * Writes what runs tell into the application's tables. All executions of the process share three connections, one of them for
 * large reports. Of the other two, an organisation is in one statement at a time: what it tells meanwhile goes into the next
 * one, so the cost per step falls as the load grows, and no other organisation waits for a statement without rows of its own.
 * Statements are bounded in bytes, and in time while several organisations are at work; organisations take turns in them, and
 * of an organisation its executions. Everything about an execution is written in the order in which it was told, and again
 * after a crash, to no effect where it is there already.
 */
export class ExecutionRecorder {
  readonly #options: ExecutionRecorderOptions;
  readonly #limits: RecorderLimits;
  /** By execution; those that were served last come last. */
  readonly #backlogs = new Map<string, Backlog>();
  readonly #ended = new Set<string>();
  readonly #writers: readonly Writer[] = (['small', 'small', 'large'] as const).map((kind) => ({
    kind,
    isAtWork: false,
    organisations: nobody,
  }));
  readonly #writing = new Set<Promise<void>>();
  readonly #paces = { small: new BatchPace(), large: new BatchPace() };
  #turnOver = Promise.withResolvers<void>();
  #bytes = 0;
  /** When something was written last, or began to wait where nothing did before. */
  #progressAt = Date.now();
  #closed = false;

  constructor(options: ExecutionRecorderOptions) {
    this.#options = options;
    this.#limits = { ...defaultLimits, ...options.limits };
    watchBatcher(batcher, () => this.backlog);
  }

  /** Hands over what `tell` puts into the report; it is written soon, without anybody waiting. */
  record(executionId: string, tell: (report: Report) => void): void {
    if (this.#ended.has(executionId)) return;
    const report = new Report();
    tell(report);
    this.#add(executionId, report);
  }

  /** Ends when all that was told about the execution is stored; false when the execution had ended before. */
  async stored(executionId: string): Promise<boolean> {
    const backlog = this.#backlogs.get(executionId);
    if (backlog) return backlog.stored();
    if (this.#ended.has(executionId)) return false;
    return this.#add(executionId, new Report()).stored();
  }

  /** Ends when so much is written that the run may go on to tell more, or when the signal fires. */
  async room(executionId: string, signal: AbortSignal): Promise<void> {
    while (!this.hasRoom(executionId) && !signal.aborted) {
      const aborted = Promise.withResolvers<void>();
      signal.addEventListener('abort', () => aborted.resolve(), { once: true });
      await Promise.race([this.#turnOver.promise, aborted.promise]);
    }
  }

  /** Whether the run may go on without waiting for what it has told. */
  hasRoom(executionId: string): boolean {
    const bytes = this.#backlogs.get(executionId)?.bytes ?? 0;
    return bytes === 0 || (bytes <= this.#limits.waitingBytesOfOne && this.#bytes <= this.#limits.waitingBytes);
  }

  /** True once something told about the execution came after its end, so that its run is of no more use. */
  isClosed(executionId: string): boolean {
    return this.#ended.has(executionId);
  }

  /** The run of the execution is over in this process. */
  forget(executionId: string): void {
    this.#ended.delete(executionId);
  }

  /** What waits to be written. */
  get backlog(): BatchBacklog {
    let items = 0;
    let since = Infinity;
    for (const backlog of this.#backlogs.values()) {
      items += backlog.length;
      since = Math.min(since, backlog.since ?? Infinity);
    }
    return { items, bytes: this.#bytes, oldestMs: Math.max(0, Date.now() - since) };
  }

  /** A ReadinessCheck. */
  problem(): string | undefined {
    if (this.#backlogs.size === 0) return undefined;
    const still = Date.now() - this.#progressAt;
    if (still < this.#limits.standstillMs) return undefined;
    return `what executions do has not been stored for ${Math.floor(still / 1_000)} seconds`;
  }

  /** Writes what is left and takes no more. */
  async close(): Promise<void> {
    this.#closed = true;
    while (this.#writing.size > 0) await Promise.all(this.#writing);
  }

  #add(executionId: string, report: Report): Backlog {
    let backlog = this.#backlogs.get(executionId);
    if (!backlog) {
      if (this.#backlogs.size === 0) this.#progressAt = Date.now();
      backlog = new Backlog(executionId, this.#limits.sliceBytes, currentOrganisation());
      this.#backlogs.set(executionId, backlog);
    }
    backlog.add(report);
    this.#bytes += report.bytes;
    this.#begin(backlog);
    return backlog;
  }

  /** Sees to it that what is next of the execution is written. */
  #begin(backlog: Backlog): void {
    const kind = kindOf(backlog);
    const writer = this.#writers.find((one) => one.kind === kind && !one.isAtWork);
    if (!writer || this.#isWritten(kind, backlog.organisationId)) return;
    writer.isAtWork = true;
    // On the next turn, so that what is told in this one goes along.
    const writing: Promise<void> = outsideOrganisations(() =>
      new Promise<void>((resolve) => setImmediate(resolve)).then(() => this.#write(writer)),
    ).finally(() => this.#writing.delete(writing));
    this.#writing.add(writing);
  }

  async #write(writer: Writer): Promise<void> {
    const { kind } = writer;
    for (let waiting = this.#waiting(kind); waiting.length > 0; waiting = this.#waiting(kind)) {
      const turns = this.#choose(kind, waiting);
      if (turns.length > 0) await this.#store(writer, turns);
      else await new Promise((resolve) => setTimeout(resolve, lookAgain));
      this.#turnOver.resolve();
      this.#turnOver = Promise.withResolvers();
    }
    writer.isAtWork = false;
  }

  /** Those of which something of that kind comes next, and whose organisations are in no statement that is under way. */
  #waiting(kind: Kind): Backlog[] {
    return [...this.#backlogs.values()].filter(
      (backlog) => !backlog.isUnderWay && kindOf(backlog) === kind && !this.#isWritten(kind, backlog.organisationId),
    );
  }

  #isWritten(kind: Kind, organisationId: string): boolean {
    return this.#writers.some((writer) => writer.kind === kind && writer.organisations.has(organisationId));
  }

  /** What the next statement writes: as much of each organisation, and of each of its executions a slice or a large report. */
  #choose(kind: Kind, waiting: readonly Backlog[]): Turn[] {
    const turns: Turn[] = [];
    const now = Date.now();
    const due = waiting.filter(({ notBefore }) => notBefore <= now || this.#closed);
    const organisations = new Set(due.map(({ organisationId }) => organisationId)).size;
    const room = (this.#limits.batchBytes * this.#paces[kind].share) / organisations;
    const taken = new Map<string, number>();
    for (const backlog of inTurns(due, ({ organisationId }) => organisationId)) {
      if (backlog.isAlone && turns.length > 0) continue;
      const before = taken.get(backlog.organisationId) ?? 0;
      if (before >= room) continue;
      const reports = backlog.next(room - before);
      const bytes = reports.reduce((total, report) => total + report.bytes, 0);
      if (before > 0 && before + bytes > room) continue;
      taken.set(backlog.organisationId, before + bytes);
      turns.push({ backlog, reports, bytes });
      if (backlog.isAlone || turns.length === batchSize) break;
    }
    return turns;
  }

  async #store(writer: Writer, turns: readonly Turn[]): Promise<void> {
    const { kind } = writer;
    writer.organisations = new Set(turns.map(({ backlog }) => backlog.organisationId));
    for (const { backlog } of turns) backlog.isUnderWay = true;
    try {
      const recordings = turns.map(({ backlog, reports }) => new Recording(backlog.executionId, reports));
      const since = performance.now();
      const stored = await storeRecordings(this.#options.orm, recordings);
      const bytes = turns.reduce((total, turn) => total + turn.bytes, 0);
      this.#paces[kind].took(bytes / this.#limits.batchBytes, performance.now() - since);
      this.#progressAt = Date.now();
      for (const [index, turn] of turns.entries()) this.#stored(turn, recordings[index]!, stored);
      this.#count(stored);
      if (stored.heard) this.#options.heard?.();
    } catch (error) {
      if (this.#closed) this.#leave(turns, error);
      else if (isPassing(error)) this.#tryAgain(turns, error);
      else this.#isolate(turns, error);
    } finally {
      writer.organisations = nobody;
      for (const { backlog } of turns) {
        backlog.isUnderWay = false;
        if (this.#backlogs.get(backlog.executionId) === backlog) this.#begin(backlog);
      }
    }
  }

  #stored({ backlog, reports }: Turn, recording: Recording, { open }: Stored): void {
    const { executionId } = backlog;
    const status = open.get(executionId)?.status;
    if (status === undefined) {
      this.#ended.add(executionId);
      return this.#drop(backlog);
    }
    const { live } = this.#options;
    // Paused, and at work all the same: should the news have been lost, here they are again.
    if (status === 'paused') live.publish(executionId, undefined);
    if (recording.hasEvents) live.publish(executionId, recording.ends);
    this.#bytes -= backlog.bytes;
    backlog.done(reports.length);
    this.#bytes += backlog.bytes;
    this.#toTheEnd(backlog);
  }

  #count({ open, steps }: Stored): void {
    const { metrics } = this.#options;
    for (const { status, seconds } of open.values()) if (seconds !== null) metrics?.executionEnded(status, seconds);
    for (const { type, status, seconds } of steps) metrics?.stepEnded(type, status, seconds ?? 0);
  }

  #tryAgain(turns: readonly Turn[], error: unknown): void {
    const { batches } = this.#options;
    batches?.batchFailed(batcher, 'passing');
    if (turns.some(({ backlog }) => backlog.failures === 0))
      this.#warn('Executions could not be written; it is tried again.', error);
    for (const { backlog, reports } of turns) {
      const isItsOwn = backlog.failures >= maxFailures && this.#progressAt > backlog.failingSince;
      if (isItsOwn && turns.length === 1) this.#giveUp(backlog, reports, error);
      else backlog.failed();
      this.#toTheEnd(backlog);
    }
  }

  /** One execution whose data the database refuses must not hold up the others. */
  #isolate(turns: readonly Turn[], error: unknown): void {
    for (const { backlog, reports } of turns)
      if (!backlog.isolate(reports.length, turns.length > 1)) this.#giveUp(backlog, reports, error);
  }

  /** What cannot be written ends its execution, which nobody would hear the end of otherwise. */
  #giveUp(backlog: Backlog, [report]: readonly Report[], error: unknown): void {
    const { executionId } = backlog;
    this.#warn(`Execution ${executionId} could not be written.`, error);
    this.#options.batches?.batchFailed(batcher, 'refused');
    // The second time it is not even possible to say so; LostExecutions ends it later.
    const isKnown = this.#ended.has(executionId);
    this.#ended.add(executionId);
    this.#drop(backlog);
    if (isKnown) return;
    const end = new Report();
    const what = report?.nodeId ? `What node ${report.nodeId} did` : 'What it did';
    const message = `${what} could not be stored, so the execution was ended. The log of the server says why.`;
    failWith(end, { code: 'not_storable', message, node_id: report?.nodeId ?? null, details: {} });
    void this.#add(executionId, end)
      .stored()
      .then((open) => (open ? endOpenSteps(this.#options.orm, executionId) : undefined))
      .catch((fault: unknown) => this.#warn(`Steps of execution ${executionId} could not be ended.`, fault));
  }

  /** The process stops; whoever goes on with the run tells it again. */
  #leave(turns: readonly Turn[], error: unknown): void {
    for (const { backlog } of turns) {
      this.#warn(`Execution ${backlog.executionId} could not be written before the end of the process.`, error);
      this.#drop(backlog);
    }
  }

  #drop(backlog: Backlog): void {
    this.#bytes -= backlog.bytes;
    backlog.drop();
    this.#backlogs.delete(backlog.executionId);
  }

  /** Others come first now. */
  #toTheEnd(backlog: Backlog): void {
    if (this.#backlogs.get(backlog.executionId) !== backlog) return;
    this.#backlogs.delete(backlog.executionId);
    if (backlog.length > 0) this.#backlogs.set(backlog.executionId, backlog);
  }

  #warn(message: string, error: unknown): void {
    this.#options.warn?.(message, error);
  }
}

function kindOf(backlog: Backlog): Kind {
  return backlog.isLarge ? 'large' : 'small';
}
