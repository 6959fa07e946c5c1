import type { Json } from '../../domain-error.ts';
import type { LogLevel, NodeResult } from '../../nodes/node-type.ts';
import type { WaitKind } from '../execution-wait.entity.ts';
import type { Failure } from '../execution.entity.ts';
import type { ExecutionRecorder } from '../execution-recorder.ts';
import type { Report, StepChange } from '../report.ts';
import type { WorkflowNode } from '../../language/index.ts';
import type { OpenedWait } from './commands.ts';
import type { WaitReason } from './node-run.ts';
import type { ErrorRecord } from './outcome.ts';

/** One attempt at a node, as it is told about. */
export interface Attempt {
  readonly node: WorkflowNode;
  /** Names the node among all that run: `fetch`, or `each[3].fetch` in a body. */
  readonly path: string;
  /** From 1; 0 while leave to begin is waited for. */
  readonly attempt: number;
  readonly input: Json;
  readonly startedAt: Date;
}

/** Characters of a log line at most. */
const maxLineLength = 65_536;

/** The line as it is stored. */
export function lineOf(message: string): string {
  return message.slice(0, maxLineLength);
}

/** Where the run stands. */
export interface Progress {
  ended: number;
  total: number;
}

/** What follows a failure: the port by which the node is left, if something catches it. */
export interface FailedEnd {
  port: string | undefined;
  progress: Progress | undefined;
}

/**
 * Tells users what happens in one execution. It may be told twice, because a run that is resumed is replayed from its
 * start: each thing has a key under which it is stored once.
 */
export class Chronicle {
  readonly #recorder: ExecutionRecorder;
  readonly #executionId: string;
  readonly #startedAt: Date;
  #logLines = 0;
  #waits = false;
  /** Of what has been told so far. */
  #stored: Promise<void> | undefined;

  /** `startedAt` is when the execution began, also for a run that is resumed. */
  constructor(recorder: ExecutionRecorder, executionId: string, startedAt: Date) {
    this.#recorder = recorder;
    this.#executionId = executionId;
    this.#startedAt = startedAt;
  }

  started(workflowId: string, workflowVersion: number): void {
    const at = this.#startedAt;
    this.#tell((report) => {
      report.change({ status: 'running', startedAt: at });
      const data = { workflow_id: workflowId, workflow_version: workflowVersion };
      report.event({ key: 'started', type: 'execution:started', data, at });
    });
  }

  attemptStarted(attempt: Attempt): void {
    this.#tell((report) => {
      if (this.#waits) report.change({ status: 'running' });
      this.#waits = false;
      report.step(stepOf(attempt, { status: 'running' }));
      report.event({
        key: `${attempt.path}:${attempt.attempt}:started`,
        type: 'node:started',
        data: headOf(attempt),
        at: attempt.startedAt,
      });
    });
  }

  nodeCompleted(
    attempt: Attempt,
    { output, port = 'default', response, variables: added }: NodeResult,
    at: Date,
    progress?: Progress,
  ): void {
    // Mostly the output itself, which is not stored twice.
    const variables = added === output ? true : added;
    this.#tell((report) => {
      report.step(stepOf(attempt, { status: 'completed', output, port, variables, completedAt: at }));
      report.event({
        key: `${attempt.path}:${attempt.attempt}:completed`,
        type: 'node:completed',
        data: { ...headOf(attempt), output, port, duration_ms: span(attempt.startedAt, at) },
        at,
      });
      if (response) report.change({ response });
      this.#progress(report, attempt.path, progress, at);
    });
  }

  /** The node ran in an earlier execution. */
  nodeKept({ path }: Pick<Attempt, 'path'>, progress: Progress | undefined): void {
    this.#tell((report) => this.#progress(report, path, progress, new Date()));
  }

  /** `retryAt` when another attempt follows; otherwise this is the node's end. */
  attemptFailed(attempt: Attempt, error: ErrorRecord, at: Date, then: { retryAt: Date } | FailedEnd): void {
    const failure = toFailure(error, attempt.path);
    const willRetry = 'retryAt' in then;
    this.#tell((report) => {
      report.step(
        willRetry
          ? stepOf(attempt, { status: 'waiting', error: failure, waitUntil: then.retryAt })
          : stepOf(attempt, { status: 'failed', error: failure, port: then.port, completedAt: at }),
      );
      report.event({
        key: `${attempt.path}:${attempt.attempt}:failed`,
        type: 'node:failed',
        data: {
          ...headOf(attempt),
          error: { ...failure },
          will_retry: willRetry,
          duration_ms: span(attempt.startedAt, at),
        },
        at,
      });
      if (!willRetry) this.#progress(report, attempt.path, then.progress, at);
    });
  }

  /** `prefix` is what the paths of the nodes begin with. */
  nodesSkipped(prefix: string, nodes: readonly WorkflowNode[]): void {
    if (nodes.length === 0) return;
    this.#tell((report) => {
      for (const { id, type: nodeType, name: nodeName } of nodes) {
        report.step({ nodeId: prefix + id, nodeType, nodeName, status: 'skipped', attempt: 0 });
      }
    });
  }

  /** `openWait` is the signal that it waited for. */
  nodeCancelled(attempt: Attempt & { readonly openWait?: string | undefined }): void {
    const at = new Date();
    const { path: nodePath, openWait: signal } = attempt;
    this.#tell((report) => {
      report.step(stepOf(attempt, { status: 'cancelled', completedAt: at }));
      if (signal) report.wait({ signal, nodePath, kind: kindOf(signal), status: 'cancelled', at });
    });
  }

  stepWaits(attempt: Attempt, until: Date | undefined): void {
    this.#tell((report) => report.step(stepOf(attempt, { status: 'waiting', waitUntil: until })));
  }

  /** The node waits for something from outside; `tokenHash` is of the URL that brings it. */
  waitOpened({ path: nodePath, node }: Pick<Attempt, 'path' | 'node'>, opened: OpenedWait, tokenHash?: string): void {
    const { wait, signal, at, endsAt } = opened;
    const { message, details, payloadSchema } = wait;
    this.#tell((report) => {
      report.wait({
        signal,
        status: 'pending',
        nodePath,
        nodeName: node.name,
        kind: wait.for,
        tokenHash,
        payloadSchema,
        message,
        details,
        ...(endsAt !== null && { endsAt: new Date(endsAt) }),
        at: new Date(at),
      });
    });
  }

  /** Nothing goes on before `until`, when the node does, or before it gets what it waits for. */
  waits(path: string, key: string, until: Date | undefined, reason: WaitReason): void {
    if (this.#waits) return;
    this.#waits = true;
    this.#tell((report) => {
      report.change({ status: 'waiting' });
      const data = { node_id: path, reason, until: until?.toISOString() ?? null };
      report.event({ key: `waiting:${key}`, type: 'execution:waiting', data, at: new Date() });
    });
  }

  goesOn(): void {
    if (!this.#waits) return;
    this.#waits = false;
    this.#tell((report) => report.change({ status: 'running' }));
  }

  /** Ends when all that was told is stored, or cannot be. */
  stored(): Promise<void> {
    this.#stored ??= this.#recorder.stored(this.#executionId).then(
      () => undefined,
      () => undefined,
    );
    return this.#stored;
  }

  log(attempt: Attempt, level: LogLevel, message: string, data?: Json): void {
    this.#logLines += 1;
    const key = `${attempt.path}:${attempt.attempt}:${this.#logLines}`;
    const { path: nodeId } = attempt;
    this.#tell((report) => {
      report.log({
        key,
        nodeId,
        attempt: attempt.attempt,
        level,
        message: lineOf(message),
        data,
        at: new Date(),
      });
    });
  }

  completed(output: Json): void {
    const at = new Date();
    this.#tell((report) => {
      report.change({ status: 'completed', output, progress: 100, completedAt: at });
      const data = { status: 'completed', output, duration_ms: span(this.#startedAt, at) };
      report.event({ key: 'ended', type: 'execution:completed', data, at });
    });
  }

  failed(error: Failure): void {
    const at = new Date();
    this.#tell((report) => {
      report.change({ status: 'failed', error, completedAt: at });
      const data = { status: 'failed', error: { ...error }, duration_ms: span(this.#startedAt, at) };
      report.event({ key: 'ended', type: 'execution:failed', data, at });
    });
  }

  #progress(report: Report, nodeId: string, told: Progress | undefined, at: Date): void {
    if (!told) return;
    const { ended, total } = told;
    const progress = Math.floor((100 * ended) / total);
    report.change({ progress });
    report.event({
      key: `progress:${nodeId}`,
      type: 'execution:progress',
      data: { progress, completed_nodes: ended, total_nodes: total, node_id: nodeId },
      at,
    });
  }

  #tell(tell: (report: Report) => void): void {
    this.#stored = undefined;
    this.#recorder.record(this.#executionId, tell);
  }
}

export function toFailure({ code, message, details }: ErrorRecord, nodeId: string | null): Failure {
  return { code, message, node_id: nodeId, details };
}

/** At replay an attempt may begin after the end that was recorded for it. */
function stepOf(
  { node, path, attempt, input, startedAt }: Attempt,
  change: Partial<StepChange> & Pick<StepChange, 'status'>,
): StepChange {
  const { completedAt } = change;
  const began = completedAt && completedAt < startedAt ? completedAt : startedAt;
  return { nodeId: path, nodeType: node.type, nodeName: node.name, attempt, input, startedAt: began, ...change };
}

/** What failed before its first attempt counts as that. */
function headOf({ node, path, attempt }: Attempt): { node_id: string; node_type: string; attempt: number } {
  return { node_id: path, node_type: node.type, attempt: Math.max(1, attempt) };
}

function kindOf(signal: string): WaitKind {
  return signal.startsWith('event:') ? 'event' : 'approval';
}

function span(from: Date, to: Date): number {
  return Math.max(0, to.getTime() - from.getTime());
}
