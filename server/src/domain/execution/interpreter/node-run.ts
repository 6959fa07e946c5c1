import type { Json } from '../../domain-error.ts';
import { parseDuration, type WorkflowNode } from '../../language/index.ts';
import { NodeFailure, type NodeResult, type NodeType } from '../../nodes/node-type.ts';
import type { BodyRuns } from './body-runs.ts';
import type { Attempt } from './chronicle.ts';
import type { Frame } from './frame.ts';
import type { ErrorRecord, Outcome } from './outcome.ts';
import type { Primitive } from './primitive.ts';
import { earliest, nodeLimit, type TimeLimit } from './time-limit.ts';

/** The program of one attempt: the node's handler, with what its commands stand for put in. */
export type Program = Generator<Primitive, NodeResult, Json>;

/** What a program gets for its command. */
type Answer = { readonly value: Json } | { readonly error: Error };

/** What a program came to by an answer: its next command or its result, or what it threw. */
export type Move = { readonly step: IteratorResult<Primitive, NodeResult> } | { readonly error: unknown };

type Purpose = 'command' | 'program' | 'retry' | 'limit';

/** What a node waits for while only time passes. */
export type WaitReason = 'delay' | 'approval' | 'event' | 'execution';

/** A node at work: its handler, stopped at the command that it waits for. */
export class NodeRun implements Attempt {
  readonly frame: Frame;
  readonly node: WorkflowNode;
  readonly type: NodeType;
  /** `fetch`, or `each[3].fetch` in a body. */
  readonly path: string;
  readonly params: Record<string, Json>;
  /** The params as users see them: without the bodies. */
  readonly input: Record<string, Json>;
  /** The command under way; the scheduler holds at most one of each node. */
  pending: Promise<Outcome> | undefined;
  /** The bodies under way; such a node has no command under way. */
  bodies: BodyRuns | undefined;
  /** What the pending outcome is for. */
  purpose: Purpose = 'command';
  /** What it sleeps for, and until when if no limit ends that before. */
  sleeps: { readonly until: number; readonly purpose: Purpose } | undefined;
  /** Set while the node only lets time pass: until when, and what for. */
  waits: { readonly until: number; readonly reason: WaitReason } | undefined;
  /** The execution that the node waits for. */
  child: string | undefined;
  /** The signal of the wait that is open. */
  openWait: string | undefined;
  /** Bytes of what it has not taken up yet. */
  heldBytes = 0;
  readonly #executionId: string;
  readonly #cancelled = new AbortController();
  #attempt = 0;
  #commands = 0;
  #lastKey = '';
  #startedAt = new Date();
  /** When the attempt began as the engine remembers it, where that matters. */
  #rememberedStart: number | undefined;
  #program: Program | undefined;
  #foreseen: Move | undefined;

  constructor(frame: Frame, node: WorkflowNode, type: NodeType, params: Record<string, Json>, executionId: string) {
    this.frame = frame;
    this.node = node;
    this.type = type;
    this.path = frame.pathOf(node.id);
    this.params = params;
    this.input = inputOf(params, type);
    this.#executionId = executionId;
  }

  /** From 1; 0 before the first, while an approval is waited for. */
  get attempt(): number {
    return this.#attempt;
  }

  get startedAt(): Date {
    return this.#startedAt;
  }

  /** The same for every try at this attempt, also after a crash. */
  get idempotencyKey(): string {
    return `${this.#executionId}:${this.path}:${this.#attempt}`;
  }

  /** What the paths inside begin with: `each[3].`, or `each@2[3].` in the second attempt. */
  prefixOf(segment: string): string {
    return `${this.path}${this.#attempt > 1 ? `@${this.#attempt}` : ''}[${segment}].`;
  }

  /** Waits for leave to begin, which is not an attempt yet. */
  beginGate(program: Program): void {
    this.#program = program;
  }

  /** Begins the next attempt. */
  begin(program: Program): void {
    this.#attempt += 1;
    this.#commands = 0;
    this.#startedAt = new Date();
    this.#rememberedStart = undefined;
    this.#program = program;
    this.#foreseen = undefined;
  }

  /** When the attempt began, in milliseconds since 1970: the same at a replay once `beganAt` has told so. */
  get began(): number {
    return this.#rememberedStart ?? this.#startedAt.getTime();
  }

  /** Sets when the attempt began, from what the engine remembers: limits over long spans must not begin anew at a replay. */
  beganAt(at: number): void {
    this.#rememberedStart = at;
  }

  /** Gives the program the answer to its command (none at the start), up to its next command or its result. */
  proceed(answer?: Answer): IteratorResult<Primitive, NodeResult> {
    const move = this.#foreseen ?? this.#move(answer);
    this.#foreseen = undefined;
    if ('error' in move) throw move.error;
    return move.step;
  }

  /** What the next `proceed`, which gives the same answer, will come to. */
  foresee(answer: Answer): Move {
    return (this.#foreseen ??= this.#move(answer));
  }

  #move(answer?: Answer): Move {
    try {
      if (answer && 'error' in answer) return { step: this.#program!.throw(answer.error) };
      return { step: this.#program!.next((answer?.value ?? null) as Json) };
    } catch (error) {
      return { error };
    }
  }

  /** The node around this one whose time limit has passed. */
  limitedAround({ limit }: ErrorRecord): NodeRun | undefined {
    let around = this.frame.owner?.run;
    while (around && around.path !== limit) around = around.frame.owner?.run;
    return around;
  }

  /** Names the next command that the engine has to remember; once a node has one name for two commands, replay is lost. */
  nextKey(name: string): string {
    this.#commands += 1;
    this.#lastKey = `${this.path}:${this.#attempt}:${this.#commands}:${name}`;
    return this.#lastKey;
  }

  get lastKey(): string {
    return this.#lastKey;
  }

  /** When this attempt has to be done, by its own limit or one around it. */
  limit(): TimeLimit | undefined {
    const { timeout } = this.node;
    const milliseconds = timeout === undefined || this.#attempt === 0 ? undefined : parseDuration(timeout);
    if (milliseconds === undefined) return this.frame.limit;
    return earliest([nodeLimit(this.began + milliseconds, timeout!, this.path), this.frame.limit]);
  }

  /** Fires when the node may not go on. */
  get cancelled(): AbortSignal {
    return this.#cancelled.signal;
  }

  cancel(): void {
    this.#cancelled.abort(new NodeFailure('cancelled', 'The execution has ended, or what was around the node.'));
  }
}

/** Params as users see them in steps: bodies stand in the definition. */
export function inputOf(params: Record<string, Json>, type: NodeType | undefined): Record<string, Json> {
  const bodies = type?.bodies ?? [];
  if (bodies.length === 0) return params;
  return Object.fromEntries(Object.entries(params).filter(([key]) => !bodies.includes(key)));
}
