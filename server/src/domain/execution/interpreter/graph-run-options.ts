import type { Json } from '../../domain-error.ts';
import type { Evaluator, Graph } from '../../language/index.ts';
import type { NodeRegistry } from '../../nodes/node-registry.ts';
import type { Scope } from '../../nodes/node-type.ts';
import type { Query, RunContext } from '../engine.ts';
import type { Failure } from '../execution.entity.ts';
import type { Chronicle } from './chronicle.ts';
import type { RunOwner } from './commands.ts';
import type { ErrorRecord } from './outcome.ts';
import type { OutsideWorld } from './program.ts';
import type { SizeLimits } from './size-limits.ts';
import type { SuspensionTimes } from './rest.ts';

/** What an execution runs with. */
export interface GraphRunOptions {
  readonly context: RunContext;
  readonly graph: Graph;
  readonly scope: Scope;
  readonly evaluator: Evaluator;
  readonly nodeTypes: NodeRegistry;
  readonly chronicle: Chronicle;
  readonly world: OutsideWorld;
  readonly owner: RunOwner;
  readonly sizes: SizeLimits;
  /** What callback URLs begin with. */
  readonly callbackUrl: string;
  /** Nodes that an earlier execution has run for this one, by path. */
  readonly kept?: ReadonlyMap<string, KeptNode>;
  readonly hold?: Hold;
  readonly suspensionTimes?: SuspensionTimes;
  /** Set while what was told has to be stored before more is told; ends when it is, or when the run is to be left. */
  readonly room?: () => Promise<void> | undefined;
  /** True when the execution was ended by somebody else, so that going on is of no use. */
  readonly isEnded: () => boolean;
  /** Why the execution ends for lack of room to store what it does; undefined while there is room. Asked before each node. */
  readonly excess?: () => Failure | undefined;
  /** Nodes that it begins at most, bodies included; 100,000 unless told. */
  readonly maxNodes?: number;
  /** Receives faults of the platform, which users see as `internal_error`. */
  readonly fault: (error: unknown, path: string) => void;
}

/** How a node ended in an earlier execution: well, or with a failure that something caught. */
export type KeptNode =
  | { readonly output: Json; readonly port: string; readonly variables?: Record<string, Json> }
  | { readonly error: ErrorRecord };

/** Keeps an execution from beginning nodes; what is at work goes on to its end. */
export interface Hold {
  isHeld(): boolean;
  /** Set while it is not known whether the execution is held; ends when it is. */
  readonly known: Promise<void> | undefined;
  /** Ends when nothing is held any more. */
  released(): Promise<void>;
  /** Asked in the transaction that suspends the run: whether it may go on already. */
  isOver(query: Query): Promise<boolean>;
  /** For how many milliseconds the execution was held since it began. */
  heldMs(): Promise<number>;
}
