import type { ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { stopAtExit, stopPostmaster } from './postmaster.ts';

/** Tries to start it again in one outage; the pauses before them double from the first on. */
const maxTries = 7;
const firstPause = 250;
/** Milliseconds after which a start counts as a good one, and the next outage begins anew. */
const goodAfter = 60_000;

/** What the supervisor says, in words for the operator. */
export interface SupervisorListener {
  warn(message: string): void;
  /** It cannot be started any more: the process is of no use, and whoever watches it should see that. */
  giveUp(message: string): void;
}

/** Starts a PostgreSQL again that ended although nobody stopped it: killed by hand, or by a machine short of memory. */
export class PostgresSupervisor {
  readonly #start: () => Promise<ChildProcess>;
  readonly #listener: SupervisorListener | undefined;
  #child: ChildProcess;
  #forget: () => void;
  #stopping = false;
  #restarting: Promise<void> | undefined;
  #tries = 0;
  #startedAt = performance.now();

  /**
   * `start` starts it where `child` was, and resolves once it lets somebody in. Without a listener it is not started again.
   */
  constructor(child: ChildProcess, start: () => Promise<ChildProcess>, listener: SupervisorListener | undefined) {
    this.#start = start;
    this.#listener = listener;
    this.#child = child;
    this.#forget = stopAtExit(child.pid!);
    this.#watch();
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** Stops it, and it stays so. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#restarting;
    await stopPostmaster(this.pid);
    this.#forget();
  }

  #watch(): void {
    const child = this.#child;
    const listener = this.#listener;
    if (!listener) return;
    const ended = (): void => {
      if (this.#stopping || child !== this.#child) return;
      const how = child.signalCode ? `by ${child.signalCode}` : `with code ${child.exitCode}`;
      listener.warn(`The embedded PostgreSQL ended ${how} although nobody stopped it. It is started again.`);
      this.#restarting = this.#restart(listener).finally(() => (this.#restarting = undefined));
    };
    // It may have ended before anybody listened.
    if (child.exitCode !== null || child.signalCode !== null) ended();
    else child.once('exit', ended);
  }

  async #restart(listener: SupervisorListener): Promise<void> {
    this.#forget();
    if (performance.now() - this.#startedAt > goodAfter) this.#tries = 0;
    while (!this.#stopping) {
      this.#tries += 1;
      if (this.#tries > maxTries) {
        return listener.giveUp(
          `The embedded PostgreSQL could not be started again in ${maxTries} tries. The server stops.`,
        );
      }
      await sleep(firstPause * 2 ** (this.#tries - 1));
      try {
        this.#child = await this.#start();
      } catch (error) {
        listener.warn(
          `The embedded PostgreSQL could not be started (try ${this.#tries} of ${maxTries}): ${(error as Error).message}`,
        );
        continue;
      }
      this.#startedAt = performance.now();
      this.#forget = stopAtExit(this.pid);
      listener.warn('The embedded PostgreSQL runs again.');
      return this.#watch();
    }
  }
}
