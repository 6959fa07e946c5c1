import type { Report } from './report.ts';

interface Queued {
  readonly report: Report;
  readonly at: number;
  readonly waiting: ((open: boolean) => void)[];
}

const firstPause = 50;
const maxPauseMs = 2_000;
/** Failures in a row after which it is tried by itself. */
const patience = 2;

/** What is to be stored about one execution, in the order in which it was reported. */
export class Backlog {
  readonly executionId: string;
  readonly organisationId: string;
  readonly #sliceBytes: number;
  /** A statement that holds some of it is under way. */
  isUnderWay = false;
  readonly #queue: Queued[] = [];
  #bytes = 0;
  /** How often in a row it could not be stored, and since when. */
  #failures = 0;
  #failingSince = 0;
  #notBefore = 0;
  #isAlone = false;
  /** Reports of which one may be what the database refuses: they are stored one by one. */
  #suspects = 0;

  /** `sliceBytes` of it go into one statement with what is to be stored about others, so that no execution fills that alone. */
  constructor(executionId: string, sliceBytes: number, organisationId: string) {
    this.executionId = executionId;
    this.organisationId = organisationId;
    this.#sliceBytes = sliceBytes;
  }

  get length(): number {
    return this.#queue.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** When its oldest report came, in milliseconds since 1970. */
  get since(): number | undefined {
    return this.#queue[0]?.at;
  }

  /** When it may be tried, in milliseconds since 1970. */
  get notBefore(): number {
    return this.#notBefore;
  }

  get failures(): number {
    return this.#failures;
  }

  get failingSince(): number {
    return this.#failingSince;
  }

  /** Whether it has to be stored by itself, because a statement that it shared has failed. */
  get isAlone(): boolean {
    return this.#isAlone || this.#suspects > 0;
  }

  /** Whether its next report is more than such a slice. */
  get isLarge(): boolean {
    return (this.#queue[0]?.report.bytes ?? 0) > this.#sliceBytes;
  }

  add(report: Report): void {
    this.#queue.push({ report, at: Date.now(), waiting: [] });
    this.#bytes += report.bytes;
  }

  /** Ends when the newest report is stored; false when the execution had ended before. */
  stored(): Promise<boolean> {
    return new Promise((resolve) => this.#queue.at(-1)!.waiting.push(resolve));
  }

  /** The reports whose turn it is: at least one, otherwise at most a slice and so many bytes. They stay until `done` or `drop`. */
  next(atMost: number): readonly Report[] {
    const reports: Report[] = [];
    const room = Math.min(atMost, this.#sliceBytes);
    let bytes = 0;
    for (const { report } of this.#queue) {
      bytes += report.bytes;
      if (reports.length > 0 && (bytes > room || this.#suspects > 0)) break;
      reports.push(report);
    }
    return reports;
  }

  /** The first `count` reports are stored. */
  done(count: number): void {
    this.#failures = 0;
    this.#notBefore = 0;
    this.#isAlone = false;
    this.#suspects = Math.max(0, this.#suspects - count);
    this.#settle(count, true);
  }

  /** Nothing of it is to be stored any more: the execution has ended. */
  drop(): void {
    this.#settle(this.#queue.length, false);
  }

  /** It is tried again after a pause, and at last by itself, in case that it is what does not pass. */
  failed(): void {
    if (this.#failures === 0) this.#failingSince = Date.now();
    this.#failures += 1;
    this.#notBefore = Date.now() + Math.min(firstPause * 2 ** (this.#failures - 1), maxPauseMs);
    this.#isAlone ||= this.#failures > patience;
  }

  /** The database refuses the first `count` reports, or those of `others` in the same statement; false when there is nothing left to tell apart. */
  isolate(count: number, others: boolean): boolean {
    if (others) this.#isAlone = true;
    else this.#suspects = count;
    return others || count > 1;
  }

  #settle(count: number, open: boolean): void {
    for (const { report, waiting } of this.#queue.splice(0, count)) {
      this.#bytes -= report.bytes;
      for (const resolve of waiting) resolve(open);
    }
  }
}
