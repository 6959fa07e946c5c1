import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { DomainError, type Json, ValidationFailedError } from '../domain-error.ts';
import { DomainEvents } from '../event/domain-events.ts';
import { ExecutionService } from '../execution/execution.service.ts';
import { TriggerService } from '../trigger/trigger.service.ts';
import type { Form } from './form.entity.ts';
import type { FormSubmission, StartError } from './form-submission.entity.ts';

/** What follows from a submission. */
@Injectable()
export class SubmissionEffects {
  constructor(
    private readonly executions: ExecutionService,
    private readonly events: DomainEvents,
    private readonly triggers: TriggerService,
  ) {}

  /** Does it all in the transaction that stores the submission; a workflow that refuses to start costs nobody an answer. */
  async follow(em: EntityManager, form: Form, submission: FormSubmission): Promise<void> {
    if (form.workflowId) await this.#start(em, form, form.workflowId, submission);
    await this.#fire(em, form, submission);
    await em.flush();
    await this.events.emit(em, {
      organisationId: form.organisation.id,
      type: 'form.submitted',
      data: {
        form_id: form.id,
        form_name: form.name,
        submission_id: submission.id,
        values: submission.data,
        submitted_at: submission.createdAt.toISOString(),
      },
      occurredAt: submission.createdAt,
    });
  }

  async #fire(em: EntityManager, form: Form, submission: FormSubmission): Promise<void> {
    const { id, source, createdAt, data } = submission;
    const told = {
      form_name: form.name,
      submission_id: id,
      submitted_at: createdAt.toISOString(),
      source,
      values: data,
    };
    const fired = await this.triggers.fireForm(em, {
      organisationId: form.organisation.id,
      formId: form.id,
      data: told,
    });
    submission.executionId ??= fired[0]?.id ?? null;
  }

  async #start(em: EntityManager, form: Form, workflowId: string, submission: FormSubmission): Promise<void> {
    try {
      const { id } = await this.executions.start({
        organisationId: form.organisation.id,
        startedBy: { type: 'form', id: form.id },
        workflowId,
        input: { ...submission.data },
        trigger: triggerOf(form, submission),
        em,
      });
      submission.executionId = id;
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      submission.startError = toStartError(error);
    }
  }
}

/** What expressions see as `trigger`. */
function triggerOf(form: Form, { id, source, createdAt, data }: FormSubmission): Json {
  return {
    type: 'form',
    form_id: form.id,
    form_name: form.name,
    submission_id: id,
    submitted_at: createdAt.toISOString(),
    source,
    values: data,
  };
}

function toStartError(error: DomainError): StartError {
  const problems =
    error instanceof ValidationFailedError ? (error.details.errors as { field: string; message: string }[]) : [];
  const listed = problems.map(({ field, message }) => `${field} ${message}`).join('; ');
  return { code: error.code, message: [error.message, listed].filter((part) => part !== '').join(' ') };
}
