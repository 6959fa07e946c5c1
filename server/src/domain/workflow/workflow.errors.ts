import { DomainError } from '../domain-error.ts';

/** The draft has changed since the caller read it. */
export class RevisionConflictError extends DomainError {
  override readonly code = 'revision_conflict';

  constructor(revision: number, expected: number) {
    super(
      `The draft has changed: it is at revision ${revision}, not ${expected}. Read it again and repeat the change.`,
      { revision },
    );
  }
}

/** The workflow has no version that could be executed. */
export class WorkflowNotPublishedError extends DomainError {
  override readonly code = 'workflow_not_published';

  constructor(id: string) {
    super('This workflow has no published version. Publish it first.', { id });
  }
}

/** The workflow takes no new executions for now. */
export class WorkflowPausedError extends DomainError {
  override readonly code = 'workflow_paused';

  constructor(id: string) {
    super('This workflow is paused. Set its status to published to resume it.', { id });
  }
}

/** The workflow is kept for reading only. */
export class WorkflowArchivedError extends DomainError {
  override readonly code = 'workflow_archived';

  constructor(id: string) {
    super(
      'This workflow is archived. Set its status to published, or to draft if it never was published, to restore it.',
      { id },
    );
  }
}

/** The draft is the published version already. */
export class WorkflowAlreadyPublishedError extends DomainError {
  override readonly code = 'workflow_already_published';

  constructor(version: number) {
    super(`The draft is what version ${version} already is. Change it before publishing again.`, { version });
  }
}

/** The status cannot become the one that is asked for. */
export class WorkflowStatusConflictError extends DomainError {
  override readonly code = 'workflow_status_conflict';

  constructor(id: string, status: string, wanted: string) {
    super(`A workflow that is ${status} cannot be made ${wanted}. ${remedy(wanted)}`, { id, status });
  }
}

function remedy(wanted: string): string {
  if (wanted === 'published') return 'Publish its draft instead.';
  return wanted === 'paused' ? 'Only a published workflow can be paused.' : 'Archive it, or leave its status as it is.';
}
