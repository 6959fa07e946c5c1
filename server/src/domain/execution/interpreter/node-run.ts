import type { Json } from '../../domain-error.ts';
import { parseDuration, type WorkflowNode } from '../../language/index.ts';
import type { Command, NodeResult, NodeType } from '../../nodes/node-type.ts';
import type { Attempt } from './chronicle.ts';
import type { Outcome } from './outcome.ts';
import { nodeLimit, type TimeLimit } from './time-limit.ts';

/** A node at work: its handler, stopped at the command that it waits for. */
export class NodeRun implements Attempt {
  readonly node: WorkflowNode;
  readonly type: NodeType;
  readonly input: Record<string, Json>;
  /** The command under way; the scheduler holds at most one of each node. */
  pending: Promise<Outcome> | undefined;
  /** What the pending outcome is for. */
  purpose: 'command' | 'program' | 'retry' = 'command';
  /** Set while the node only lets time pass: until when. */
  waitsUntil: number | undefined;
  #executionId: string;
  #attempt = 0;
  #commands = 0;
  #lastKey = '';
  #startedAt = new Date();
  #handler: Generator<Command, NodeResult, Json> | undefined;

  constructor(node: WorkflowNode, type: NodeType, input: Record<string, Json>, executionId: string) {
    this.node = node;
    this.type = type;
    this.input = input;
    this.#executionId = executionId;
  }

  get attempt(): number {
    return this.#attempt;
  }

  get startedAt(): Date {
    return this.#startedAt;
  }

  /** The same for every try at this attempt, also after a crash. */
  get idempotencyKey(): string {
    return `${this.#executionId}:${this.node.id}:${this.#attempt}`;
  }

  /** Begins the next attempt with a handler of its own. */
  begin(): void {
    this.#attempt += 1;
    this.#commands = 0;
    this.#startedAt = new Date();
    this.#handler = undefined;
  }

  /** Gives the handler the answer to its command (none at the start), up to its next command or its result. */
  proceed(answer?: { value: Json } | { error: Error }): IteratorResult<Command, NodeResult> {
    this.#handler ??= this.type.run(this.input, { nodeId: this.node.id, executionId: this.#executionId });
    if (answer && 'error' in answer) return this.#handler.throw(answer.error);
    return this.#handler.next((answer?.value ?? null) as Json);
  }

  /** Names the next command that the engine has to remember; once a node has one name for two commands, replay is lost. */
  nextKey(name: string): string {
    this.#commands += 1;
    this.#lastKey = `${this.node.id}:${this.#attempt}:${this.#commands}:${name}`;
    return this.#lastKey;
  }

  get lastKey(): string {
    return this.#lastKey;
  }

  /** When this attempt has to be done. */
  limit(): TimeLimit | undefined {
    const { timeout } = this.node;
    const milliseconds = timeout === undefined ? undefined : parseDuration(timeout);
    return milliseconds === undefined ? undefined : nodeLimit(this.#startedAt.getTime() + milliseconds, timeout!);
  }
}
