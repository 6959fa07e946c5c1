import type { BodiesCommand, BodyOutcome, BodyStart } from '../../nodes/node-type.ts';

/** The runs through the bodies of one node: which have begun, and how those that have ended did. */
export class BodyRuns {
  readonly #command: BodiesCommand;
  readonly #outcomes: BodyOutcome[];
  #begun = 0;
  #ended = 0;
  #stopped = false;

  constructor(command: BodiesCommand) {
    this.#command = command;
    this.#outcomes = command.bodies.map(() => ({ status: 'cancelled' }));
  }

  /** The next to begin, if there is one and room for it; counts as begun. */
  next(): { index: number; start: BodyStart } | undefined {
    const { bodies, concurrency } = this.#command;
    if (this.#stopped || this.#begun >= bodies.length || this.#begun - this.#ended >= concurrency) return undefined;
    const index = this.#begun;
    this.#begun += 1;
    return { index, start: bodies[index]! };
  }

  /** Returns whether the others have to be cancelled. */
  ended(index: number, outcome: BodyOutcome): boolean {
    this.#ended += 1;
    this.#outcomes[index] = outcome;
    this.#stopped ||= outcome.status === 'failed' && this.#command.stopOnFailure;
    return this.#stopped;
  }

  get isOver(): boolean {
    return this.#stopped || this.#ended === this.#outcomes.length;
  }

  get outcomes(): readonly BodyOutcome[] {
    return this.#outcomes;
  }
}
