import { LockMode, type FilterQuery } from '@mikro-orm/core';
import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { assertMayExecute } from '../assert-scopes.ts';
import { type Caller, principalOf } from '../caller.ts';
import { type Json, type Problem, ResourceNotFoundError, ValidationFailedError } from '../domain-error.ts';
import { checkStorable } from '../storable.ts';
import { isId } from '../id.ts';
import { Organisation } from '../organisation/organisation.entity.ts';
import { assertMoreAllowed, takeTurns } from '../organisation/take-turns.ts';
import { type Page, type PageRequest, rangeOf } from '../page.ts';
import { Trigger } from '../trigger/trigger.entity.ts';
import { WorkflowService } from '../workflow/workflow.service.ts';
import { fieldProblems } from './check-fields.ts';
import { Form, type FormContent, type FormStatus } from './form.entity.ts';
import { FormSlugTakenError } from './form.errors.ts';
import { slugFor, takingSlug } from '../slug.ts';

/** What a form is made from. */
export interface NewForm extends Partial<FormContent> {
  readonly name: string;
}

/** What is absent stays as it is. */
export interface FormChange extends Partial<FormContent> {
  /** The revision that the change was made from. */
  readonly revision?: number;
}

/** A page of forms that satisfy all that is given. */
export interface FormQuery extends PageRequest {
  readonly status?: FormStatus;
  /** Part of the name or the title, in any case. */
  readonly search?: string;
}

/** The forms of an organisation. Another organisation's id is a ResourceNotFoundError. */
@Injectable()
export class FormService {
  constructor(
    private readonly em: EntityManager,
    private readonly workflows: WorkflowService,
  ) {}

  /** Newest first. */
  async list(organisationId: string, query: FormQuery): Promise<Page<Form>> {
    // PostgreSQL has no NUL in text, and refuses to be asked about it.
    if (query.search?.includes('\0')) return { items: [], total: 0 };
    const [items, total] = await this.em.findAndCount(Form, filterOf(organisationId, query), {
      orderBy: { createdAt: 'desc', id: 'desc' },
      ...rangeOf(query),
    });
    return { items, total };
  }

  async get(organisationId: string, id: string): Promise<Form> {
    return this.#find(this.em, organisationId, id);
  }

  /** What anyone may see and fill in, by id or slug. Throws ResourceNotFoundError, also for a draft. */
  async getPublished(idOrSlug: string): Promise<Form> {
    const where = isId('form', idOrSlug) ? { id: idOrSlug } : isSlug(idOrSlug) ? { slug: idOrSlug } : undefined;
    const form = where && (await this.em.findOne(Form, { ...where, status: 'published' }, { refresh: true }));
    if (!form) throw new ResourceNotFoundError('form', idOrSlug);
    return form;
  }

  /** Throws ValidationFailedError that lists every problem, and FormSlugTakenError. */
  async create(caller: Caller, given: NewForm): Promise<Form> {
    const content: FormContent = {
      description: null,
      slug: slugFor(given.name),
      fields: [],
      settings: {},
      workflowId: null,
      ...defined(given),
      // After the name, so that what is wrong with that is reported for `name` first.
      title: given.title ?? given.name,
    };
    if (content.workflowId) assertMayExecute(caller);
    await this.#check(caller.organisationId, content);
    const organisation = this.em.getReference(Organisation, caller.organisationId);
    const taken = (): FormSlugTakenError => new FormSlugTakenError(content.slug ?? '');
    return takingSlug(this.em, taken, async (em) => {
      const plan = await takeTurns(em, caller.organisationId);
      assertMoreAllowed('forms', plan, await em.count(Form, { organisation: caller.organisationId }));
      const form = Form.create(organisation, content, principalOf(caller));
      em.persist(form);
      return form;
    });
  }

  /**
   * Throws ResourceNotFoundError, RevisionConflictError, FormSlugTakenError, and ValidationFailedError that lists every
   * problem, also what keeps the form from being published when it is.
   */
  async update(caller: Caller, id: string, { revision, ...given }: FormChange): Promise<Form> {
    const content = defined(given);
    if (content.workflowId) assertMayExecute(caller);
    await this.#check(caller.organisationId, content);
    const taken = (): FormSlugTakenError => new FormSlugTakenError(content.slug ?? '');
    return takingSlug(this.em, taken, async (em) => {
      const form = await this.#find(em, caller.organisationId, id, LockMode.PESSIMISTIC_WRITE);
      if (revision !== undefined) form.assertRevision(revision);
      form.change(content);
      if (form.isPublished) await this.#assertPublishable(form);
      return form;
    });
  }

  /**
   * Opens the form. Throws ResourceNotFoundError, ValidationFailedError that lists what is missing, and
   * InsufficientScopeError when it starts workflows and the caller may not execute them.
   */
  async publish(caller: Caller, id: string): Promise<Form> {
    const { organisationId } = caller;
    return this.em.transactional(async (em) => {
      const form = await this.#find(em, organisationId, id, LockMode.PESSIMISTIC_WRITE);
      if (form.workflowId || (await hasTriggers(em, form))) assertMayExecute(caller);
      await this.#assertPublishable(form);
      form.publish();
      return form;
    });
  }

  /** Closes the form. Throws ResourceNotFoundError. */
  async unpublish(organisationId: string, id: string): Promise<Form> {
    return this.em.transactional(async (em) => {
      const form = await this.#find(em, organisationId, id, LockMode.PESSIMISTIC_WRITE);
      form.unpublish();
      return form;
    });
  }

  /** Removes the form with its submissions. Throws ResourceNotFoundError. */
  async delete(organisationId: string, id: string): Promise<void> {
    await this.em.transactional(async (em) => {
      em.remove(await this.#find(em, organisationId, id, LockMode.PESSIMISTIC_WRITE));
    });
  }

  async #find(
    em: EntityManager,
    organisation: string,
    id: string,
    lockMode?: LockMode.PESSIMISTIC_WRITE,
  ): Promise<Form> {
    const options = { ...(lockMode && { lockMode }), refresh: true };
    const form = isId('form', id) ? await em.findOne(Form, { id, organisation }, options) : null;
    if (!form) throw new ResourceNotFoundError('form', id);
    return form;
  }

  async #check(organisationId: string, content: Partial<FormContent>): Promise<void> {
    for (const [field, value] of Object.entries(content)) checkStorable(field, value as unknown as Json);
    const problems = fieldProblems(content.fields ?? []);
    if (content.workflowId && !(await this.#hasWorkflow(organisationId, content.workflowId)))
      problems.push(problemOf('workflow_id', 'is no workflow of this organisation'));
    refuse('The form is not valid.', problems);
  }

  async #hasWorkflow(organisationId: string, workflowId: string): Promise<boolean> {
    try {
      await this.workflows.get(organisationId, workflowId);
      return true;
    } catch (error) {
      if (error instanceof ResourceNotFoundError) return false;
      throw error;
    }
  }

  async #assertPublishable({ organisation, fields, workflowId }: Form): Promise<void> {
    const problems: Problem[] = [];
    if (fields.length === 0)
      problems.push(problemOf('fields', 'is empty: a form needs a field before it is published'));
    if (workflowId) {
      const workflow = await this.workflows.get(organisation.id, workflowId).catch((error: unknown) => {
        if (error instanceof ResourceNotFoundError) return undefined;
        throw error;
      });
      if (!workflow?.publishedVersion)
        problems.push(problemOf('workflow_id', 'has no published version; publish the workflow first'));
    }
    refuse('The form cannot be published.', problems);
  }
}

/** Whether text can be the slug of a form at all. */
function isSlug(text: string): boolean {
  return text.length <= 80 && /^[a-z0-9]+(?:-[a-z0-9]+)*$/.test(text);
}

function defined<T extends object>(fields: T): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;
}

function problemOf(field: string, message: string): Problem {
  return { field, message, location: 'body' };
}

function refuse(message: string, problems: readonly Problem[]): void {
  if (problems.length > 0) throw new ValidationFailedError(message, problems);
}

async function hasTriggers(em: EntityManager, { id, organisation }: Form): Promise<boolean> {
  const started = { organisationId: organisation.id, formId: id, kind: 'form' as const, enabled: true };
  return (await em.count(Trigger, started)) > 0;
}

function filterOf(organisation: string, { status, search }: FormQuery): FilterQuery<Form> {
  const pattern = search === undefined ? undefined : `%${search.replaceAll(/[\\%_]/g, String.raw`\$&`)}%`;
  return {
    organisation,
    ...(status && { status }),
    ...(pattern !== undefined && { $or: [{ name: { $ilike: pattern } }, { title: { $ilike: pattern } }] }),
  };
}
