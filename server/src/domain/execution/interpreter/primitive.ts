import type { Json } from '../../domain-error.ts';
import type { BodiesCommand, CallCommand, Command, WaitCommand } from '../../nodes/node-type.ts';
import type { WaitReason } from './node-run.ts';

/** What the scheduler itself carries out; the other commands of handlers are made of these. */
export type Primitive =
  | Exclude<Command, WaitCommand | CallCommand>
  | BodiesCommand
  | UnlimitedStepCommand
  | OpenWaitCommand
  | AwaitSignalCommand;

/** A step of ours that is done whatever the time limits say: it sees to what follows when they have passed. */
export interface UnlimitedStepCommand {
  kind: 'unlimitedStep';
  key: string;
  run: () => Promise<Json>;
}

/** Tells that the node waits for something from outside. */
export interface OpenWaitCommand {
  kind: 'openWait';
  wait: WaitCommand;
  signal: string;
  at: number;
  endsAt: number | null;
}

/** Waits for a signal of the run; answered by `{ payload }`, or null at `until`. */
export interface AwaitSignalCommand {
  kind: 'awaitSignal';
  signal: string;
  reason: WaitReason;
  /** Milliseconds since 1970. */
  until: number | null;
}

/** An UnlimitedStepCommand, in short. */
export function step(key: string, run: () => Promise<Json>): Primitive {
  return { kind: 'unlimitedStep', key, run };
}
