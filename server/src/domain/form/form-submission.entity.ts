import { defineEntity, type Opt, p } from '@mikro-orm/core';
import type { Json } from '../domain-error.ts';
import { newId } from '../id.ts';
import { shortText } from '../stored-json.ts';
import { Organisation } from '../organisation/organisation.entity.ts';
import { Form } from './form.entity.ts';

/** `page` for the page of the form, `api` for the API. */
export const submissionSources = ['page', 'api'] as const;
/** One of `submissionSources`. */
export type SubmissionSource = (typeof submissionSources)[number];

/** Why the workflow of a form did not start. */
export interface StartError {
  readonly code: string;
  readonly message: string;
}

const FormSubmissionSchema = defineEntity({
  name: 'FormSubmission',
  tableName: 'form_submission',
  indexes: [{ properties: ['form', 'createdAt', 'id'], name: 'form_submission_form_created' }],
  uniques: [{ properties: ['form', 'ticket'], name: 'form_submission_ticket' }],
  properties: {
    id: p.text().primary(),
    organisation: () => p.manyToOne(Organisation).deleteRule('cascade'),
    form: () => p.manyToOne(Form).deleteRule('cascade'),
    formRevision: p.integer(),
    source: p.enum(submissionSources),
    data: p.json<Readonly<Record<string, Json>>>(),
    /** Its JSON unless it is large, for those who only hand it on. */
    dataText: p.text().nullable().formula(shortText('data')).$type<Opt<string>>().lazy(),
    /** Bytes that it stores. */
    size: p.integer().generated('(300 + octet_length((data)::text)) stored').$type<Opt<number>>().lazy(),
    executionId: p.text().nullable(),
    startError: p.json<StartError>().nullable(),
    /** Names one showing of the page, which makes one submission however often it is sent; null for the API. */
    ticket: p.text().nullable(),
    createdAt: p.datetime(3),
  },
});

/** What a submission is made of. */
export interface SubmissionContent {
  readonly data: Readonly<Record<string, Json>>;
  readonly source: SubmissionSource;
  readonly ticket: string | null;
}

/** What somebody answered; it never changes, save that it learns what it started. */
export class FormSubmission extends FormSubmissionSchema.class {
  static of(form: Form, content: SubmissionContent, now = new Date()): FormSubmission {
    return Object.assign(new FormSubmission(), {
      id: newId('sub'),
      organisation: form.organisation,
      form,
      formRevision: form.revision,
      executionId: null,
      startError: null,
      createdAt: now,
      ...content,
    });
  }
}

FormSubmissionSchema.setClass(FormSubmission);
