import { DomainError } from '../domain-error.ts';

/** All executions of the job are done. */
export class BulkJobAlreadyFinishedError extends DomainError {
  override readonly code = 'bulk_job_already_finished';

  constructor(id: string, status: string) {
    super(`Job ${id} has already ended as ${status}: its executions are done, and there is nothing left to cancel.`, {
      id,
      status,
    });
  }
}
