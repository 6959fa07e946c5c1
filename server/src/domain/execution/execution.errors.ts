import { DomainError } from '../domain-error.ts';

/** The execution has ended, and terminal is final. */
export class ExecutionAlreadyFinishedError extends DomainError {
  override readonly code = 'execution_already_finished';

  constructor(id: string, status: string) {
    super(`Execution ${id} has already ended as ${status}. Start a new execution to run the workflow again.`, {
      id,
      status,
    });
  }
}

/** The node no longer waits: it got its answer, its time was over, or its execution ended. */
export class WaitClosedError extends DomainError {
  override readonly code = 'wait_closed';

  constructor(id: string, status: string) {
    super(`${id} is no longer waited for: it is ${status}.`, { id, status });
  }
}

/** The state of the execution does not allow what is asked for. */
export class ExecutionStatusConflictError extends DomainError {
  override readonly code = 'execution_status_conflict';

  /** `what` completes "an execution ...", `allowed` lists the states that allow it. */
  constructor(id: string, status: string, what: string, allowed: readonly string[]) {
    super(`Execution ${id} is ${status}; an execution ${what} only while it is ${allowed.join(' or ')}.`, {
      id,
      status,
      allowed: [...allowed],
    });
  }
}

/** The engine does not take work, for example while the process stops. */
export class EngineUnavailableError extends DomainError {
  override readonly code = 'service_unavailable';

  constructor(message: string, options?: ErrorOptions) {
    super(message, {}, options);
  }
}
