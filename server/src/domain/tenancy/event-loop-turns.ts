import { inOrganisation } from './current-organisation.ts';
import type { SlotsLoad } from './shared-slots.ts';
import { watchSlots } from './shared-resources.ts';
import { Turns } from './turns.ts';

/** Milliseconds of processor time that an iteration of the event loop should take at most, while organisations share it. */
const targetMs = 4;
/** Milliseconds after which an iteration is over even for an organisation that is alone: nobody else is heard before the next. */
const iterationMs = 10;
/** Pieces of work that begin in a millisecond: so many while iterations are short, and so few when the longest work is heavy. */
const maxPace = 8;
const minPace = 1 / 64;
/** Pieces of work that begin in one iteration, at most. */
const maxCredit = 64;
/** What is left of the pace after an iteration that is too long, at least. */
const leastLeft = 0.5;
/** Milliseconds of short iterations in which the pace doubles. */
const doublingMs = 150;
/** Milliseconds between looks at the loop while nothing may begin. */
const lookMs = 1;
/** Milliseconds after which the next piece of work begins however long iterations are: work that takes no turns may keep the loop busy. */
const maxPauseMs = 100;
/**
 * Where less was begun than this, shares are parts of this number: one that begins a few heavy pieces of work must not make
 * another wait that begins as many light ones.
 */
const fewPieces = 200;
/** Milliseconds after which what an organisation has begun counts no more, at least. */
const periodMs = 1_000;

interface Waiting {
  readonly organisationId: string;
  readonly since: number;
  readonly begin: () => void;
}

export interface EventLoopTurnsOptions {
  /** What the thread has used; time in which it waits for a core is no work of anybody. */
  readonly processorMs?: () => number;
  readonly now?: () => number;
  readonly fewPieces?: number;
}

/** How many pieces of work an organisation has begun in this period, and in the one before. */
interface Begun {
  now: number;
  before: number;
}

/**
 * The event loop of a process, which the work of all organisations shares. Whatever begins a piece of work asks for a turn. As
 * long as iterations of the loop are short, all begins at once; one that is alone waits for no more than the next iteration
 * after 10 ms. Otherwise only so much begins that iterations become short again, in turns by organisation; one that begins less
 * than half of its share does not wait. What has begun takes no further turns: so little of it is under way then that answers
 * from the database and from the network are heard soon, whoever waits for them.
 */
export class EventLoopTurns {
  readonly #processorMs: () => number;
  readonly #now: () => number;
  readonly #fewPieces: number;
  readonly #waiting = new Turns<Waiting>();
  readonly #begun = new Map<string, Begun>();
  #begunByAll = 0;
  #periodSince = 0;
  /** Pieces of work that begin in a millisecond. */
  #pace = maxPace;
  /** What may still begin in this iteration. */
  #credit = maxCredit;
  #begunAt = 0;
  #isCounting = false;
  /** When the loop is looked at next, unless that `isDue` in its next iteration. */
  #look: NodeJS.Timeout | undefined;
  #isDue = false;
  #usedMs = 0;
  /** When this iteration began. */
  #iterationSince = 0;

  constructor(name: string, options: EventLoopTurnsOptions = {}) {
    this.#processorMs = options.processorMs ?? threadMs;
    this.#now = options.now ?? ((): number => performance.now());
    this.#fewPieces = options.fewPieces ?? fewPieces;
    watchSlots(name, () => this.load());
  }

  /** As slots: `taken` is what was begun in the last seconds. */
  load(): SlotsLoad {
    let since = Infinity;
    for (const head of this.#waiting.heads()) since = Math.min(since, head.since);
    const oldestMs = Math.max(0, this.#now() - since);
    return { taken: this.#begunByAll, waiting: this.#waiting.size, oldestMs };
  }

  /**
   * Ends when a piece of work of the organisation may begin; undefined when it may at once. Not for work that holds what others
   * wait for, such as a transaction.
   */
  turn(organisationId: string): Promise<void> | undefined {
    this.#startPeriod();
    this.#startCounting();
    if (this.#mayBegin(organisationId)) {
      this.#begin(organisationId);
      return undefined;
    }
    const since = this.#now();
    return new Promise((resolve) => {
      this.#waiting.push(organisationId, { organisationId, since, begin: resolve });
      if (this.#isAlone(organisationId)) this.#lookSoon();
    });
  }

  /** Whether several organisations have begun something in the last second or two. */
  get isShared(): boolean {
    this.#startPeriod();
    return this.#begun.size > 1;
  }

  #mayBegin(organisationId: string): boolean {
    if (this.#waiting.sizeOf(organisationId) > 0) return false;
    const isOver = this.#now() - this.#iterationSince >= iterationMs;
    if (!isOver && this.#waiting.size === 0 && this.#credit >= 1) return true;
    return (!isOver && this.#isAlone(organisationId)) || this.#isLight(organisationId);
  }

  /** True while nobody else has begun anything, or wants to. */
  #isAlone(organisationId: string): boolean {
    const isOnlyOneWaiting = this.#waiting.size === this.#waiting.sizeOf(organisationId);
    return isOnlyOneWaiting && this.#begunBy(organisationId) === this.#begunByAll;
  }

  /** True for one that begins less than half of its share, of all that is begun or of what would be few. */
  #isLight(organisationId: string): boolean {
    const begunByAll = this.isShared ? Math.max(this.#begunByAll, this.#fewPieces) : this.#begunByAll;
    return this.#begunBy(organisationId) * this.#begun.size * 2 < begunByAll;
  }

  #begunBy(organisationId: string): number {
    const { now, before } = this.#begun.get(organisationId) ?? { now: 0, before: 0 };
    return now + before;
  }

  #begin(organisationId: string): void {
    const begun = this.#begun.get(organisationId);
    if (begun) begun.now += 1;
    else this.#begun.set(organisationId, { now: 1, before: 0 });
    this.#begunByAll += 1;
    this.#begunAt = this.#now();
    this.#credit = Math.max(0, this.#credit - 1);
  }

  #startPeriod(): void {
    const age = this.#now() - this.#periodSince;
    if (age < periodMs) return;
    this.#periodSince += age;
    this.#begunByAll = 0;
    for (const [organisationId, begun] of this.#begun) {
      begun.before = age < 2 * periodMs ? begun.now : 0;
      begun.now = 0;
      this.#begunByAll += begun.before;
      if (begun.before === 0) this.#begun.delete(organisationId);
    }
  }

  #startCounting(): void {
    if (this.#isCounting) return;
    this.#isCounting = true;
    this.#usedMs = this.#processorMs();
    this.#iterationSince = this.#now();
    this.#lookSoon();
  }

  #lookSoon(): void {
    clearTimeout(this.#look);
    this.#look = undefined;
    if (this.#isDue) return;
    this.#isDue = true;
    setImmediate(() => this.#nextIteration());
  }

  /** Not with the next iteration already, since a loop that does not rest takes a core from what it waits for. */
  #lookLater(): void {
    this.#look = setTimeout(() => this.#lookSoon(), lookMs);
  }

  /** In an iteration of the loop now and then, for as long as there is work. */
  #nextIteration(): void {
    this.#isDue = false;
    const now = this.#now();
    const elapsedMs = now - this.#iterationSince;
    this.#adaptPace(elapsedMs);
    if (this.#waiting.size === 0 && this.#pace >= maxPace) {
      this.#isCounting = false;
      this.#credit = maxCredit;
      return;
    }
    const gained = this.#pace * elapsedMs;
    this.#credit = Math.min(this.#credit + gained, Math.max(1, Math.min(gained, maxCredit)));
    if (now - this.#begunAt >= maxPauseMs) this.#credit = Math.max(1, this.#credit);
    this.#iterationSince = now;
    this.#startPeriod();
    const first = this.#waiting.peek();
    if (first && this.#isAlone(first.organisationId)) this.#credit = maxCredit;
    while (this.#credit >= 1 && this.#waiting.size > 0) {
      const { organisationId, begin } = this.#waiting.take()!;
      this.#begin(organisationId);
      begin();
    }
    const next = this.#waiting.peek();
    if (next && this.#isAlone(next.organisationId)) this.#lookSoon();
    else this.#lookLater();
  }

  #adaptPace(elapsedMs: number): void {
    const usedMs = this.#processorMs();
    const tookMs = usedMs - this.#usedMs;
    this.#usedMs = usedMs;
    const factor = tookMs > targetMs ? Math.max(leastLeft, targetMs / tookMs) : 2 ** (elapsedMs / doublingMs);
    this.#pace = Math.min(maxPace, Math.max(minPace, this.#pace * factor));
  }
}

/** Milliseconds of processor time that this thread has used. */
function threadMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}

/** The event loop of this process. */
export const eventLoop = new EventLoopTurns('event_loop');

/** Runs `work` as a piece of work of the organisation, when it is its turn on the event loop. */
export async function inTurn<T>(organisationId: string, work: () => T | Promise<T>): Promise<T> {
  await eventLoop.turn(organisationId);
  return inOrganisation(organisationId, work);
}
