import { type FilterQuery, UniqueConstraintViolationException } from '@mikro-orm/core';
import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { ResourceNotFoundError } from '../domain-error.ts';
import { jsonOf, type StoredValue, valueOf } from '../stored-json.ts';
import { newerThan, olderThan, type Position, positionOf, type Slice, type SliceRequest, toSlice } from '../slice.ts';
import { isId } from '../id.ts';
import { Evaluator, requestMaxWaitMs, transactionMaxWaitMs } from '../language/index.ts';
import { type Answers, checkAnswers } from './check-answers.ts';
import { csvLine } from './csv.ts';
import { StorageQuota } from '../storage/storage-quota.ts';
import { forOthers } from '../storage/storage.errors.ts';
import { Form } from './form.entity.ts';
import { FormService } from './form.service.ts';
import { FormSubmission, type SubmissionSource } from './form-submission.entity.ts';
import { inOrganisation } from '../tenancy/current-organisation.ts';
import { inTurn } from '../tenancy/event-loop-turns.ts';
import { AnswersRefusedError } from './submission.errors.ts';
import { SubmissionEffects } from './submission-effects.ts';

/** What somebody sends in. */
export interface NewSubmission {
  readonly answers: Answers;
  readonly source: SubmissionSource;
  /** Names one showing of the page, at most 100 characters; what is sent twice with it is stored once. */
  readonly ticket?: string;
}

/** When submissions were made: `from` then or later, `to` before. */
export interface Period {
  readonly from?: Date;
  readonly to?: Date;
}

export interface SubmissionQuery extends SliceRequest, Period {
  readonly source?: SubmissionSource;
}

/** How many submissions an export reads at a time; large ones are read one after the other. */
const exportedAtOnce = 100;

/** A submission whose answers are handed on as they are stored. */
export type SubmissionRecord = Omit<FormSubmission, 'data' | 'dataText'> & { readonly data: StoredValue };

const asStored = { populate: ['dataText'], exclude: ['data'], disableIdentityMap: true } as const;

/** What was submitted to forms. Another organisation's id is a ResourceNotFoundError. */
@Injectable()
export class SubmissionService {
  constructor(
    private readonly em: EntityManager,
    private readonly forms: FormService,
    private readonly evaluator: Evaluator,
    private readonly effects: SubmissionEffects,
    private readonly quota: StorageQuota,
  ) {}

  /**
   * Stores what anyone sends to a published form, and in the same transaction starts what follows from it. Throws
   * ResourceNotFoundError for a form that takes nothing, AnswersRefusedError that lists every problem, and
   * NoRoomForOthersError.
   */
  submit(form: Form, submission: NewSubmission): Promise<FormSubmission> {
    // A transaction around, which keeps a connection from others, waits for nothing.
    const { id } = form.organisation;
    const submit = (): Promise<FormSubmission> => this.#submit(form, submission);
    return this.em.isInTransaction() ? inOrganisation(id, submit) : inTurn(id, submit);
  }

  async #submit(form: Form, { answers, source, ticket }: NewSubmission): Promise<FormSubmission> {
    const maxWaitMs = this.em.isInTransaction() ? transactionMaxWaitMs : requestMaxWaitMs;
    const turn = { organisationId: form.organisation.id, maxWaitMs };
    const { data, problems } = await checkAnswers(form.fields, answers, this.evaluator, turn);
    if (problems.length > 0) throw new AnswersRefusedError(problems);
    const known = ticket !== undefined && (await this.em.findOne(FormSubmission, { form: form.id, ticket }));
    if (known) return known;
    try {
      return await this.em.transactional(async (em) => {
        await assertOpen(em, form);
        await forOthers(this.quota.assertRoom(form.organisation.id, em));
        const submission = FormSubmission.of(form, { data, source, ticket: ticket ?? null });
        em.persist(submission);
        await em.flush();
        await this.effects.follow(em, form, submission);
        return submission;
      });
    } catch (error) {
      if (ticket === undefined || !(error instanceof UniqueConstraintViolationException)) throw error;
      return this.em.fork().findOneOrFail(FormSubmission, { form: form.id, ticket });
    }
  }

  /** Newest first. Throws ResourceNotFoundError, and ValidationFailedError for a cursor that is none. */
  async list(organisationId: string, formId: string, query: SubmissionQuery): Promise<Slice<SubmissionRecord>> {
    const position = positionOf(query);
    const { id: form } = await this.forms.get(organisationId, formId);
    const where: FilterQuery<FormSubmission> = {
      form,
      organisation: organisationId,
      ...(query.source && { source: query.source }),
      ...within(query),
    };
    const items = await this.em.find(FormSubmission, position ? { $and: [where, olderThan(position)] } : where, {
      orderBy: { createdAt: 'desc', id: 'desc' },
      limit: query.perPage + 1,
      offset: position ? 0 : ((query.page ?? 1) - 1) * query.perPage,
      ...asStored,
    });
    const records = items.map((item) => this.#toRecord(item as unknown as FormSubmission));
    return toSlice(records, query, position ? undefined : await this.em.count(FormSubmission, where));
  }

  /** Throws ResourceNotFoundError for the form or the submission. */
  async get(organisationId: string, formId: string, id: string): Promise<SubmissionRecord> {
    const { id: form } = await this.forms.get(organisationId, formId);
    const where = { id, form, organisation: organisationId };
    const submission = isId('sub', id) ? await this.em.findOne(FormSubmission, where, asStored) : null;
    if (!submission) throw new ResourceNotFoundError('submission', id);
    return this.#toRecord(submission as unknown as FormSubmission);
  }

  #toRecord(submission: FormSubmission): SubmissionRecord {
    const { id, dataText } = submission;
    const data = valueOf(this.em, dataText, { table: 'form_submission', json: 'data', id });
    return Object.assign(submission, { data }) as SubmissionRecord;
  }

  /** Throws ResourceNotFoundError for the form or the submission. */
  async delete(organisationId: string, formId: string, id: string): Promise<void> {
    const { id: form } = await this.forms.get(organisationId, formId);
    const where = { id, form, organisation: organisationId };
    const removed = isId('sub', id) ? await this.em.nativeDelete(FormSubmission, where) : 0;
    if (removed === 0) throw new ResourceNotFoundError('submission', id);
  }

  /**
   * The submissions of a form as the lines of a CSV file, oldest first; they are read as they are taken. Throws
   * ResourceNotFoundError before the first.
   */
  async export(
    organisationId: string,
    formId: string,
    period: Period,
  ): Promise<{ form: Form; lines: AsyncGenerator<string> }> {
    const form = await this.forms.get(organisationId, formId);
    return { form, lines: this.#lines(form, period) };
  }

  async *#lines(form: Form, period: Period): AsyncGenerator<string> {
    const em = this.em.fork();
    const names = await columnsOf(em, form);
    yield csvLine(['submission_id', 'submitted_at', 'source', 'execution_id', ...names]);
    const where = { form: form.id, organisation: form.organisation.id, ...within(period) };
    for (let last: Position | undefined; ;) {
      const found = (await em.find(FormSubmission, last ? { $and: [where, newerThan(last)] } : where, {
        orderBy: { createdAt: 'asc', id: 'asc' },
        limit: exportedAtOnce,
        ...asStored,
      })) as unknown as FormSubmission[];
      for (const submission of found) {
        const data = await jsonOf(this.#toRecord(submission).data);
        yield lineOf({ ...submission, data: data as FormSubmission['data'] }, names);
      }
      if (found.length < exportedAtOnce) return;
      last = found.at(-1);
    }
  }
}

/** It may have been unpublished or deleted since it was looked up; from here on it cannot be deleted before the transaction ends. */
async function assertOpen(em: EntityManager, { id, slug }: Form): Promise<void> {
  const open = await em.execute(`select 1 from form where id = ? and status = 'published' for key share`, [id]);
  if (open.length === 0) throw new ResourceNotFoundError('form', slug);
}

/** The fields of the form, and behind them those that only older submissions answered. */
async function columnsOf(em: EntityManager, form: Form): Promise<string[]> {
  const names = form.fields.map(({ name }) => name);
  const rows = await em.execute<{ name: string }[]>(
    'select distinct jsonb_object_keys(data) as name from form_submission where form_id = ? and organisation_id = ? order by 1',
    [form.id, form.organisation.id],
  );
  return [...names, ...rows.map(({ name }) => name).filter((name) => !names.includes(name))];
}

function lineOf(
  {
    id,
    createdAt,
    source,
    executionId,
    data,
  }: Pick<FormSubmission, 'id' | 'createdAt' | 'source' | 'executionId' | 'data'>,
  names: readonly string[],
): string {
  const answers = names.map((name) => (Object.hasOwn(data, name) ? data[name] : undefined));
  return csvLine([id, createdAt.toISOString(), source, executionId, ...answers]);
}

function within({ from, to }: Period): { createdAt?: { $gte?: Date; $lt?: Date } } {
  return (from ?? to) ? { createdAt: { ...(from && { $gte: from }), ...(to && { $lt: to }) } } : {};
}
