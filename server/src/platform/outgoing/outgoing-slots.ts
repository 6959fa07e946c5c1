import { currentOrganisation } from '../../domain/tenancy/current-organisation.ts';
import { SharedSlots } from '../../domain/tenancy/shared-slots.ts';
import type { Resolve } from './guarded-connector.ts';

/** Host names that are looked up at once: each takes a thread of libuv, whose other half is for files, passwords and the rest. */
const lookups = Math.max(2, Math.floor(Number(process.env['UV_THREADPOOL_SIZE'] ?? 4) / 2));
const lookupsOfOne = Math.max(1, Math.floor(lookups / 4));

type Answer = Parameters<Parameters<Resolve>[2]>;

/** What outgoing calls share. */
export interface OutgoingShares {
  /** Calls under way at once from this process. */
  readonly calls: number;
  /** Those of one organisation. */
  readonly callsOf: (organisationId: string) => Promise<number>;
  /** Milliseconds that a lookup waits for its turn at most; a call gives up by then. */
  readonly lookupWaitMs?: number;
}

/** The slots of outgoing calls, mail included: organisations take turns where all are taken, and none has them all. */
export class OutgoingSlots {
  readonly #calls: SharedSlots;
  readonly #lookups = new SharedSlots({ name: 'host_lookups', width: lookups });
  readonly #callsOf: OutgoingShares['callsOf'];
  readonly #lookupWaitMs: number;

  constructor({ calls, callsOf, lookupWaitMs = 10_000 }: OutgoingShares) {
    this.#calls = new SharedSlots({ name: 'outgoing_calls', width: calls });
    this.#callsOf = callsOf;
    this.#lookupWaitMs = lookupWaitMs;
  }

  /** Makes a call in a slot of the organisation whose work it is. */
  async call<T>(signal: AbortSignal | undefined, make: () => Promise<T>): Promise<T> {
    const organisationId = currentOrganisation();
    const maxSlots = organisationId === '' ? undefined : await this.#callsOf(organisationId);
    return this.#calls.run(organisationId, make, { maxSlots, signal });
  }

  /** Looks host names up in slots of the organisation. */
  lookupsOf(organisationId: string, resolve: Resolve): Resolve {
    const look = async (...[hostname, options, callback]: Parameters<Resolve>): Promise<void> => {
      const ask = (): Promise<Answer> =>
        new Promise((answered) => resolve(hostname, options, (...answer) => answered(answer)));
      let answer: Answer;
      try {
        answer = await this.#lookups.run(organisationId, ask, { maxSlots: lookupsOfOne, waitMs: this.#lookupWaitMs });
      } catch (error) {
        answer = [error as Error, []];
      }
      callback(...answer);
    };
    return (...given) => void look(...given);
  }
}
