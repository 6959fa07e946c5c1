import { defineEntity, p } from '@mikro-orm/core';
import { newId } from '../id.ts';
import { Organisation } from '../organisation/organisation.entity.ts';
import { RevisionConflictError } from '../workflow/workflow.errors.ts';
import type { FormField } from './form-field.ts';

/** `draft` takes no submissions, `published` does. */
export const formStatuses = ['draft', 'published'] as const;
/** One of `formStatuses`. */
export type FormStatus = (typeof formStatuses)[number];

/** How the page of a form speaks; what is absent is said by `Form.words`. */
export interface FormSettings {
  readonly submit_label?: string;
  readonly success_title?: string;
  readonly success_message?: string;
}

const FormSchema = defineEntity({
  name: 'Form',
  tableName: 'form',
  indexes: [{ properties: ['organisation', 'createdAt', 'id'], name: 'form_organisation_created' }],
  properties: {
    id: p.text().primary(),
    organisation: () => p.manyToOne(Organisation).deleteRule('cascade'),
    name: p.text(),
    title: p.text(),
    description: p.text().nullable(),
    /** Unique over all organisations: pages have one address space. */
    slug: p.text().unique('form_slug'),
    status: p.enum(formStatuses),
    fields: p.json<readonly FormField[]>(),
    settings: p.json<FormSettings>(),
    workflowId: p.text().nullable(),
    /** Counts the changes, from 1. */
    revision: p.integer(),
    /** A user or an API key. */
    createdBy: p.text().nullable(),
    createdAt: p.datetime(3),
    updatedAt: p.datetime(3),
    publishedAt: p.datetime(3).nullable(),
  },
});

/** What people set about a form. */
export interface FormContent {
  name: string;
  title: string;
  description: string | null;
  slug: string;
  fields: readonly FormField[];
  settings: FormSettings;
  workflowId: string | null;
}

/** Questions that anyone may answer once the form is published. */
export class Form extends FormSchema.class {
  static create(organisation: Organisation, content: FormContent, createdBy: string | null, now = new Date()): Form {
    return Object.assign(new Form(), {
      id: newId('form'),
      organisation,
      status: 'draft' as const,
      revision: 1,
      createdBy,
      createdAt: now,
      updatedAt: now,
      publishedAt: null,
      ...content,
    });
  }

  get isPublished(): boolean {
    return this.status === 'published';
  }

  /** Throws RevisionConflictError when the change was made from another revision. */
  assertRevision(expected: number): void {
    if (expected !== this.revision) throw new RevisionConflictError(this.revision, expected);
  }

  change(content: Partial<FormContent>, now = new Date()): void {
    Object.assign(this, content);
    this.changed(now);
  }

  /** A second time changes nothing. */
  publish(now = new Date()): void {
    if (this.isPublished) return;
    this.status = 'published';
    this.publishedAt = now;
    this.changed(now);
  }

  /** A second time changes nothing. */
  unpublish(now = new Date()): void {
    if (!this.isPublished) return;
    this.status = 'draft';
    this.publishedAt = null;
    this.changed(now);
  }

  /** What the page says, with words of its own where the author gave none. */
  words(): { submitLabel: string; successTitle: string; successMessage: string | null } {
    const { submit_label: submitLabel = 'Send', success_title: successTitle = 'Thank you' } = this.settings;
    return { submitLabel, successTitle, successMessage: this.settings.success_message ?? null };
  }

  private changed(now: Date): void {
    this.revision += 1;
    this.updatedAt = now;
  }
}

FormSchema.setClass(Form);
