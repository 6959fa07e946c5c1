import type { Json } from '../../domain-error.ts';
import {
  type CallAnswer,
  type CallCommand,
  NodeFailure,
  type WaitAnswer,
  type WaitCommand,
} from '../../nodes/node-type.ts';
import { type ErrorRecord, executionTimeout, toErrorRecord, toNodeFailure } from './outcome.ts';
import type { NodeRun, Program } from './node-run.ts';
import { type Primitive, step } from './primitive.ts';

/** What the commands of handlers reach outside of the run; the ports are ExecutionWaits and ChildExecutions. */
export interface OutsideWorld {
  readonly executionId: string;
  expire(signal: string): Promise<boolean>;
  start(call: CallCommand, key: string): Promise<string>;
  result(childId: string): Promise<Json>;
  cancel(childId: string): Promise<null>;
}

/** The program of the attempt that is about to begin: what the node's handler does, in commands of the scheduler. */
export function* programOf(run: NodeRun, world: OutsideWorld): Program {
  if (run.type.bodies && run.node.timeout !== undefined) {
    run.beganAt((yield step('began', async () => Date.now())) as number);
  }
  const handler = run.type.run(run.params, { nodeId: run.node.id, executionId: world.executionId });
  let move = handler.next(null as never);
  while (!move.done) {
    const command = move.value;
    let answer: Json;
    try {
      if (command.kind === 'wait') answer = (yield* waitFor(run, command, world)) as Json;
      else if (command.kind === 'call') answer = (yield* call(run, command, world)) as unknown as Json;
      else answer = yield command;
    } catch (error) {
      move = handler.throw(error);
      continue;
    }
    move = handler.next(answer);
  }
  return move.value;
}

/** Waits until somebody approves; throws a NodeFailure `approval_declined` when somebody declines. */
export function* gateOf(run: NodeRun, world: OutsideWorld): Program {
  const message = `${run.node.name ?? run.node.id} needs an approval before it begins.`;
  const wait: WaitCommand = { kind: 'wait', for: 'approval', message, details: run.input };
  const answer = yield* waitFor(run, wait, world);
  if (answer?.status !== 'approved') {
    const { decided_by = null, note = null } = answer ?? {};
    throw new NodeFailure('approval_declined', 'The approval that the node needs was declined.', { decided_by, note });
  }
  return { output: null };
}

interface WaitPlan {
  at: number;
  endsAt: number | null;
  /** When the attempt began; absent in waits that were planned when nobody asked. */
  began?: number;
  /** Where it ends of its own accord. */
  ownEnd?: number | null;
  /** The limit that ends the wait, if it is not its own time-out. */
  error: ErrorRecord | null;
}

/** Whether the answer or the end of the time came first is decided by the row of the wait. */
function* waitFor(run: NodeRun, wait: WaitCommand, world: OutsideWorld): Generator<Primitive, WaitAnswer | null, Json> {
  const signal = signalOf(wait.for, run);
  let plan = yield* planned(run, wait.timeout);
  for (;;) {
    yield { kind: 'openWait', wait, signal, at: plan.at, endsAt: plan.endsAt };
    let answer = yield { kind: 'awaitSignal', signal, reason: wait.for, until: plan.endsAt };
    if (answer === null) {
      const over = yield step('expire', async () => {
        const end = await endNow(run, plan);
        if (end && isAhead(end)) return end;
        const expired = await world.expire(signal);
        return expired && end ? { expired, error: end.error } : expired;
      });
      const later = laterIn(over);
      if (later) {
        plan = { ...plan, ...later };
        continue;
      }
      const { expired, error } = isObject(over) ? over : { expired: over, error: plan.error };
      if (expired && error) throw toNodeFailure(error as ErrorRecord);
      if (expired) return null;
      answer = yield { kind: 'awaitSignal', signal, reason: wait.for, until: null };
    }
    return (answer as unknown as { payload: WaitAnswer }).payload;
  }
}

/** The signal that ends the wait of this attempt at the node. */
export function signalOf(kind: WaitCommand['for'], { path, attempt }: { path: string; attempt: number }): string {
  return attempt > 1 ? `${kind}:${path}:${attempt}` : `${kind}:${path}`;
}

/** The name under which an execution is told that one it has started has ended. */
export function childSignal(childId: string): string {
  return `child:${childId}`;
}

function* planned(run: NodeRun, timeout: number | undefined): Generator<Primitive, WaitPlan, Json> {
  const planning = step('wait', async () => {
    const at = Date.now();
    const ownEnd = timeout === undefined ? null : at + timeout;
    return { at, ownEnd, began: run.began, ...(await endOf(run, ownEnd)) };
  });
  const plan = (yield planning) as unknown as WaitPlan;
  if (plan.began !== undefined) run.beganAt(plan.began);
  return plan;
}

/** When a wait ends; `error` is the limit that ends it, if it is not its own time-out. */
type WaitEnd = { readonly endsAt: number | null; readonly error: Json };

/** When a wait ends with the limits as they stand: for steps only. */
async function endOf(run: NodeRun, ownEnd: number | null): Promise<WaitEnd> {
  const limit = run.limit();
  const reached = limit && (ownEnd === null || limit.at < ownEnd) ? await limit.now() : undefined;
  if (reached && (ownEnd === null || reached.at < ownEnd))
    return { endsAt: reached.at, error: { ...toErrorRecord(reached.failure()) } };
  return { endsAt: ownEnd, error: null };
}

/** How the wait ends by now, where the limit that has ended it may have stood still meanwhile; undefined where it has not. */
async function endNow(run: NodeRun, { ownEnd = null, error }: WaitPlan): Promise<WaitEnd | undefined> {
  return error?.code === executionTimeout ? endOf(run, ownEnd) : undefined;
}

function isAhead({ endsAt }: WaitEnd): boolean {
  return endsAt === null || endsAt > Date.now();
}

/** The end that a step has put off, if it has. */
function laterIn(answer: Json): Pick<WaitPlan, 'endsAt' | 'error'> | undefined {
  return isObject(answer) && 'endsAt' in answer ? (answer as unknown as WaitPlan) : undefined;
}

function isObject(answer: Json): answer is { readonly [key: string]: Json } {
  return typeof answer === 'object' && answer !== null;
}

/** The other execution is told to stop when its time is over. */
function* call(run: NodeRun, command: CallCommand, world: OutsideWorld): Generator<Primitive, CallAnswer, Json> {
  const key = run.idempotencyKey;
  const child = yield step('call', () => world.start(command, key));
  const id = child as string;
  if (!command.wait) return { execution_id: id, status: 'pending', output: null, error: null };
  let plan = yield* planned(run, undefined);
  run.child = id;
  for (;;) {
    const ended = yield { kind: 'awaitSignal', signal: childSignal(id), reason: 'execution', until: plan.endsAt };
    if (ended !== null) break;
    const over = yield step('cancel', async () => {
      const end = await endNow(run, plan);
      if (end && isAhead(end)) return end;
      await world.cancel(id);
      return end ? { error: end.error } : null;
    });
    const later = laterIn(over);
    if (later) {
      plan = { ...plan, ...later };
      continue;
    }
    run.child = undefined;
    const error = isObject(over) ? over.error : plan.error;
    if (error) throw toNodeFailure(error as ErrorRecord);
    break;
  }
  run.child = undefined;
  return (yield step('result', () => world.result(id))) as unknown as CallAnswer;
}
