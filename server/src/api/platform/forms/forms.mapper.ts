import type * as contract from '#generated/platform/index.ts';
import type { FormSubmission } from '../../../domain/form/form-submission.entity.ts';
import type { Form } from '../../../domain/form/form.entity.ts';
import type { FormChange, FormQuery, NewForm } from '../../../domain/form/form.service.ts';
import type {
  NewSubmission,
  Period,
  SubmissionQuery,
  SubmissionRecord,
} from '../../../domain/form/submission.service.ts';
import { toSent } from '../stored-value.ts';
import { fromTime, toTime } from '../time.ts';

export function toForm(form: Form): contract.Form {
  const { field_count: _count, ...summary } = toFormSummary(form);
  return {
    ...summary,
    description: form.description ?? null,
    fields: form.fields as contract.FormField[],
    settings: form.settings,
    created_by: form.createdBy ?? null,
  };
}

export function toFormSummary(form: Form): contract.FormSummary {
  return {
    id: form.id,
    name: form.name,
    title: form.title,
    slug: form.slug,
    status: form.status,
    page_path: form.isPublished ? `/f/${form.slug}` : null,
    field_count: form.fields.length,
    workflow_id: form.workflowId ?? null,
    revision: form.revision,
    created_at: form.createdAt.toISOString(),
    updated_at: form.updatedAt.toISOString(),
    published_at: toTime(form.publishedAt),
  };
}

export function toFormSubmission(submission: SubmissionRecord): contract.FormSubmission {
  return {
    id: submission.id,
    form_id: submission.form.id,
    form_revision: submission.formRevision,
    source: submission.source,
    data: toSent(submission.data) as contract.FormSubmission['data'],
    execution_id: submission.executionId ?? null,
    start_error: submission.startError ?? null,
    created_at: submission.createdAt.toISOString(),
  };
}

export function toSubmissionReceipt(form: Form, { id, createdAt }: FormSubmission): contract.SubmissionReceipt {
  const { successTitle, successMessage } = form.words();
  return {
    id,
    form_id: form.id,
    success_title: successTitle,
    success_message: successMessage,
    created_at: createdAt.toISOString(),
  };
}

export function toFormQuery({ per_page: perPage, ...rest }: contract.ListForms.Request['query']): FormQuery {
  return { ...rest, perPage };
}

export function toNewForm({ workflow_id: workflowId, ...rest }: contract.CreateFormRequest): NewForm {
  return { ...rest, workflowId };
}

export function toFormChange({ workflow_id: workflowId, ...rest }: contract.UpdateFormRequest): FormChange {
  return { ...rest, workflowId };
}

export function toNewSubmission({ data }: contract.SubmitFormRequest): NewSubmission {
  // What a parsed body holds is JSON; the types of the contract say less.
  return { answers: data as NewSubmission['answers'], source: 'api' };
}

export function toPeriod({ from, to }: { from?: string; to?: string }): Period {
  return { from: fromTime(from, 'from', 'query'), to: fromTime(to, 'to', 'query') };
}

export function toSubmissionQuery(query: contract.ListFormSubmissions.Request['query']): SubmissionQuery {
  const { page, per_page: perPage, cursor, source } = query;
  return { ...toPeriod(query), source, page, perPage, cursor };
}
