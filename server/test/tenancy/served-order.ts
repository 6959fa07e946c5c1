import { Turns } from '../../src/domain/tenancy/turns.ts';
import { FairQueue } from '../../src/platform/sandbox/fair-queue.ts';

/** How one item of the organisation that is followed was served in its queue. */
interface Served {
  /** Items of another organisation that stood in the queue when it came. */
  readonly before: number;
  /** Items of another organisation that were served between its coming and its turn. */
  overtaken: number;
}

/** What a queue has in it. */
interface Waiting {
  readonly organisations: Map<object, string>;
  readonly counts: Map<string, number>;
  readonly followed: Map<object, Served>;
}

type Queue = Turns<object> | FairQueue<object>;

/**
 * Watches in which order the queues of this process serve an organisation. Where organisations take turns, few items of
 * another are served before its own, however many stand there; where they do not, all are that stood there.
 */
export class ServedOrder {
  readonly #queues = new WeakMap<Queue, Waiting>();
  readonly #restore: (() => void)[] = [];
  #followed: string | undefined;
  #served: Served[] = [];

  constructor() {
    this.#watch(Turns.prototype);
    this.#watch(FairQueue.prototype);
  }

  /** Begins to look at what becomes of the organisation's items. */
  follow(organisationId: string): void {
    this.#followed = organisationId;
    this.#served = [];
  }

  /** The most that stood before one of its items, and the most that was served before one. */
  get most(): { before: number; overtaken: number } {
    return {
      before: Math.max(0, ...this.#served.map(({ before }) => before)),
      overtaken: Math.max(0, ...this.#served.map(({ overtaken }) => overtaken)),
    };
  }

  stop(): void {
    for (const restore of this.#restore.splice(0)) restore();
  }

  #watch(prototype: Queue): void {
    const { push, take, remove } = prototype;
    const came = this.#came.bind(this);
    const left = this.#left.bind(this);
    Object.assign(prototype, {
      push(this: Queue, organisationId: string, item: object) {
        came(this, organisationId, item);
        push.call(this, organisationId, item);
      },
      take(this: Queue, mayTake: () => boolean) {
        const item = take.call(this, mayTake);
        if (item) left(this, item, true);
        return item;
      },
      remove(this: Queue, organisationId: string, item: object) {
        left(this, item, false);
        return remove.call(this, organisationId, item);
      },
    });
    this.#restore.push(() => Object.assign(prototype, { push, take, remove }));
  }

  #came(queue: Queue, organisationId: string, item: object): void {
    let waiting = this.#queues.get(queue);
    if (!waiting)
      this.#queues.set(queue, (waiting = { organisations: new Map(), counts: new Map(), followed: new Map() }));
    const { organisations, counts, followed } = waiting;
    organisations.set(item, organisationId);
    counts.set(organisationId, (counts.get(organisationId) ?? 0) + 1);
    if (organisationId !== this.#followed) return;
    const others = [...counts].filter(([id]) => id !== organisationId).map(([, count]) => count);
    followed.set(item, { before: Math.max(0, ...others), overtaken: 0 });
  }

  #left(queue: Queue, item: object, isServed: boolean): void {
    const waiting = this.#queues.get(queue);
    const organisationId = waiting?.organisations.get(item);
    if (!waiting || organisationId === undefined) return;
    const { organisations, counts, followed } = waiting;
    organisations.delete(item);
    counts.set(organisationId, counts.get(organisationId)! - 1);
    const served = followed.get(item);
    followed.delete(item);
    if (!isServed) return;
    if (served) this.#served.push(served);
    else if (organisationId !== this.#followed) for (const other of followed.values()) other.overtaken += 1;
  }
}
