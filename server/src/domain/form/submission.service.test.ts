import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '../../../test/database.ts';
import { RecordedLoops } from '../../../test/recorded-loops.ts';
import { DomainEvent } from '../event/domain-event.entity.ts';
import { DomainEvents } from '../event/domain-events.ts';
import { ResourceNotFoundError, ValidationFailedError } from '../domain-error.ts';
import type { ExecutionService, ExecutionStart } from '../execution/execution.service.ts';
import { newId } from '../id.ts';
import type { Evaluator } from '../language/index.ts';
import { Organisation } from '../organisation/organisation.entity.ts';
import type { StorageQuota } from '../storage/storage-quota.ts';
import { StorageQuotaExceededError } from '../storage/storage.errors.ts';
import type { FormFiring, TriggerService } from '../trigger/trigger.service.ts';
import { Form } from './form.entity.ts';
import { FormService } from './form.service.ts';
import { FormSubmission } from './form-submission.entity.ts';
import { SubmissionEffects } from './submission-effects.ts';
import { type NewSubmission, SubmissionService } from './submission.service.ts';

let database: TestDatabase;
let events: DomainEvents;
let organisationId: string;
let form: Form;
/** What was asked to be started, and what comes of it. */
let starts: ExecutionStart[];
let firings: FormFiring[];
let outcome: () => Promise<{ id: string }>;
let fired: { id: string }[];
let room: () => Promise<void>;

beforeAll(async () => {
  database = await createTestDatabase();
  events = new DomainEvents(database.orm, new RecordedLoops());
});
afterAll(() => database.drop());
beforeEach(async () => {
  [starts, firings, fired] = [[], [], []];
  outcome = async () => ({ id: 'exec_started' });
  room = async () => undefined;
  organisationId = await organisation();
  form = await published();
});

async function organisation(): Promise<string> {
  const id = newId('org');
  const em = database.orm.em.fork();
  em.create(Organisation, { id, name: 'Acme', plan: 'pro' });
  await em.flush();
  return id;
}

const fields = ['name', 'age'].map((name) => ({ name, type: 'text', label: name }) as const);

async function published(more: Partial<Form> = {}): Promise<Form> {
  const em = database.orm.em.fork();
  const organisation = em.getReference(Organisation, organisationId);
  const content = { name: 'Contact', title: 'Contact', description: null, slug: newId('form').slice(5) };
  const made = Form.create(organisation, { ...content, fields, settings: {}, workflowId: null }, null);
  made.publish();
  await em.persist(Object.assign(made, more)).flush();
  return made;
}

function submissions(em = database.orm.em.fork()): SubmissionService {
  const executions = {
    start: async (start: ExecutionStart) => {
      starts.push(start);
      return outcome();
    },
  } as unknown as ExecutionService;
  const triggers = {
    fireForm: async (_: unknown, firing: FormFiring) => {
      firings.push(firing);
      return fired;
    },
  } as unknown as TriggerService;
  const effects = new SubmissionEffects(executions, events, triggers);
  const quota = { assertRoom: () => room() } as unknown as StorageQuota;
  return new SubmissionService(em, new FormService(em, {} as never), {} as Evaluator, effects, quota);
}

const submit = (more: Partial<NewSubmission> = {}, of = form): Promise<FormSubmission> =>
  submissions().submit(of, { answers: { name: 'Ada' }, source: 'api', ...more });
const stored = (of = form): Promise<FormSubmission[]> =>
  database.orm.em.fork().find(FormSubmission, { form: of.id }, { orderBy: { createdAt: 'asc', id: 'asc' } });

describe('a submission', () => {
  test('is stored with what it answers, once for each showing of the page', async () => {
    await submit();
    await submit();
    const [first] = await stored();
    const answers = { data: { name: 'Ada' }, source: 'api', formRevision: 2, ticket: null };
    expect(first).toMatchObject({ ...answers, executionId: null, startError: null });
    expect(await stored()).toHaveLength(2);
    const shown = { source: 'page', ticket: 'a ticket' } as const;
    const { id } = await submit(shown);
    expect((await submit({ ...shown, answers: { name: 'Grace' } })).id).toBe(id);
    expect((await stored()).map(({ data }) => data)).toEqual([{ name: 'Ada' }, { name: 'Ada' }, { name: 'Ada' }]);
    const other = await published();
    expect((await submit(shown, other)).id).not.toBe(id);
    expect(firings).toHaveLength(4);
  });

  test('that is sent several times at once is stored once', async () => {
    const twins = await Promise.all([1, 2, 3].map(() => submit({ ticket: 'the same' })));
    expect(new Set(twins.map(({ id }) => id)).size).toBe(1);
    expect(await stored()).toHaveLength(1);
  });

  test('that does not satisfy the form is refused with every problem', async () => {
    await expect(submit({ answers: { name: 'a\nb', other: 1 } })).rejects.toMatchObject({
      code: 'validation_error',
      problems: [{ field: 'name' }, { field: 'other' }],
      details: { errors: [{ field: 'data.name' }, { field: 'data.other' }] },
    });
    expect([await stored(), firings]).toEqual([[], []]);
  });

  test('to a form that is deleted or unpublished after it was looked up is refused, and starts nothing', async () => {
    const closed = await published({ status: 'draft' });
    const deleted = await published();
    await database.orm.em.fork().nativeDelete(Form, { id: deleted.id });
    for (const gone of [closed, deleted]) {
      await expect(submit({}, gone)).rejects.toThrow(ResourceNotFoundError);
      await expect(submit({ ticket: 'a ticket' }, gone)).rejects.toThrow(ResourceNotFoundError);
      expect(await stored(gone)).toEqual([]);
    }
    expect(firings).toEqual([]);
  });

  test('finds room, or tells others that there is none without figures', async () => {
    room = () => Promise.reject(new StorageQuotaExceededError({ usedBytes: 2, quotaBytes: 1 }));
    await expect(submit()).rejects.toMatchObject({ name: 'NoRoomForOthersError', details: {} });
    expect([await stored(), firings]).toEqual([[], []]);
  });

  test('waits for no turn in the transaction of somebody else, and ends with it', async () => {
    const undone = new Error('undone');
    const em = database.orm.em.fork();
    const outer = em.transactional(async (inner) => {
      await submissions(inner as never).submit(form, { answers: { name: 'Ada' }, source: 'api' });
      throw undone;
    });
    await expect(outer).rejects.toBe(undone);
    expect(await stored()).toEqual([]);
  });
});

describe('what follows', () => {
  const told = ({ id, createdAt }: FormSubmission, source: string): object => ({
    form_name: 'Contact',
    submission_id: id,
    submitted_at: createdAt.toISOString(),
    source,
    values: { name: 'Ada' },
  });

  test('are the workflow of the form, its triggers, and an event to those who listen', async () => {
    form = await published({ workflowId: 'wf_1' });
    fired = [{ id: 'exec_fired' }];
    await database.orm.em
      .fork()
      .transactional((em) =>
        events.listen(em, { organisationId, kind: 'webhook', id: 'wh_1', types: ['form.submitted'] }),
      );
    const submission = await submit({ source: 'page' });
    expect((await stored())[0]).toMatchObject({ executionId: 'exec_started', startError: null });
    expect(starts).toEqual([
      {
        organisationId,
        startedBy: { type: 'form', id: form.id },
        workflowId: 'wf_1',
        input: { name: 'Ada' },
        trigger: { type: 'form', form_id: form.id, ...told(submission, 'page') },
        em: expect.anything(),
      },
    ]);
    expect(firings).toEqual([{ organisationId, formId: form.id, data: told(submission, 'page') }]);
    const happened = await database.orm.em.fork().find(DomainEvent, { organisationId });
    const { form_name, submission_id, submitted_at, values } = told(submission, 'page') as Record<string, unknown>;
    expect(happened).toMatchObject([
      {
        type: 'form.submitted',
        data: { form_id: form.id, form_name, submission_id, submitted_at, values },
        createdAt: submission.createdAt,
      },
    ]);
  });

  test('without a workflow the execution is that of the first trigger', async () => {
    fired = [{ id: 'exec_first' }, { id: 'exec_second' }];
    await submit();
    expect([(await stored())[0]!.executionId, starts]).toEqual(['exec_first', []]);
  });

  test('a workflow that refuses to start costs nobody an answer: why is kept with it', async () => {
    form = await published({ workflowId: 'wf_1' });
    const problem = (field: string) => ({ field, message: 'is wrong', location: 'body' }) as const;
    outcome = () => Promise.reject(new ValidationFailedError('The input is wrong.', [problem('a'), problem('b')]));
    await submit();
    outcome = () => Promise.reject(new ResourceNotFoundError('workflow', 'wf_1'));
    fired = [{ id: 'exec_fired' }];
    await submit();
    const [first, second] = await stored();
    expect(first).toMatchObject({
      executionId: null,
      startError: { code: 'validation_error', message: 'The input is wrong. a is wrong; b is wrong' },
    });
    expect(second).toMatchObject({ executionId: 'exec_fired', startError: { code: 'resource_not_found' } });
    expect(second!.startError!.message).toMatch(/^No workflow .*\.$/);
  });

  test('a fault of the platform undoes it all, so that it can be sent again', async () => {
    form = await published({ workflowId: 'wf_1' });
    const fault = new TypeError('x is not a function');
    outcome = () => Promise.reject(fault);
    await expect(submit({ ticket: 'a ticket' })).rejects.toBe(fault);
    expect([await stored(), firings]).toEqual([[], []]);
  });
});

describe('what was submitted', () => {
  const at = (minute: number): Date => new Date(Date.UTC(2026, 10, 1, 0, minute));

  /** At these minutes. */
  async function many(minutes: readonly number[], more: Partial<FormSubmission> = {}): Promise<FormSubmission[]> {
    const em = database.orm.em.fork();
    const of = em.getReference(Form, form.id);
    const organisation = em.getReference(Organisation, organisationId);
    const made = minutes.map((minute) => {
      const content = { data: { name: `At ${minute}` }, source: 'api' as const, ticket: null };
      const submission = FormSubmission.of(form, content, at(minute));
      return Object.assign(submission, { form: of, organisation }, more);
    });
    await em.persist(made).flush();
    return made;
  }

  test('is listed newest first, in slices, by time and source', async () => {
    await many([1, 2, 3]);
    await many([4], { source: 'page' });
    const list = async (query: object) => {
      const { items, ...rest } = await submissions().list(organisationId, form.id, { perPage: 3, ...query });
      return { minutes: items.map(({ createdAt }) => createdAt.getUTCMinutes()), ...rest };
    };
    const first = await list({});
    expect(first).toMatchObject({ minutes: [4, 3, 2], page: { number: 1, total: 4 } });
    expect(await list({ cursor: first.nextCursor })).toEqual({ minutes: [1], nextCursor: null, page: undefined });
    expect(await list({ page: 2 })).toMatchObject({ minutes: [1], nextCursor: null, page: { number: 2, total: 4 } });
    expect((await list({ source: 'page' })).minutes).toEqual([4]);
    expect((await list({ from: at(2), to: at(4) })).minutes).toEqual([3, 2]);
    expect((await list({ from: at(3) })).minutes).toEqual([4, 3]);
    expect((await list({ to: at(2) })).minutes).toEqual([1]);
    await expect(list({ cursor: 'nonsense' })).rejects.toMatchObject({ code: 'validation_error' });
  });

  test('is found and removed one by one, by its organisation and form alone', async () => {
    const [one, other] = (await many([1, 2])) as [FormSubmission, FormSubmission];
    const stranger = await organisation();
    const otherForm = await published();
    for (const [by, of, id] of [
      [stranger, form.id, one.id],
      [organisationId, otherForm.id, one.id],
      [organisationId, form.id, 'x\0'],
      [organisationId, form.id, newId('sub')],
    ] as const) {
      const missing = { code: 'resource_not_found' };
      await expect(submissions().get(by, of, id)).rejects.toMatchObject(missing);
      await expect(submissions().delete(by, of, id)).rejects.toMatchObject(missing);
    }
    await expect(submissions().list(stranger, form.id, { perPage: 1 })).rejects.toThrow(ResourceNotFoundError);
    await expect(submissions().export(stranger, form.id, {})).rejects.toThrow(ResourceNotFoundError);
    expect((await submissions().get(organisationId, form.id, one.id)).data).toEqual({ name: 'At 1' });
    await submissions().delete(organisationId, form.id, one.id);
    expect((await stored()).map(({ id }) => id)).toEqual([other.id]);
  });

  async function exported(period: object = {}): Promise<string[]> {
    const { lines } = await submissions().export(organisationId, form.id, period);
    let text = '';
    for await (const line of lines) text += line;
    return text.split('\r\n');
  }

  test('is exported oldest first, with the columns of the form before those of older submissions', async () => {
    const [first] = (await many([1], { data: { zip: 1, name: 'Ada', gone: true }, executionId: 'exec_1' })) as [
      FormSubmission,
    ];
    const [second] = (await many([2], { data: { age: '7' }, source: 'page' })) as [FormSubmission];
    expect(await exported()).toEqual([
      'submission_id,submitted_at,source,execution_id,name,age,gone,zip',
      `${first.id},${at(1).toISOString()},api,exec_1,Ada,,true,1`,
      `${second.id},${at(2).toISOString()},page,,,7,,`,
      '',
    ]);
    expect((await exported({ from: at(2) }))[1]).toContain(second.id);
    expect((await exported({ to: at(2) }))[1]).toContain(first.id);
    expect(await exported({ from: at(2), to: at(2) })).toHaveLength(2);
  });

  test.each([0, 500, 501])('is exported whole where there are %i of them, also of one moment', async (count) => {
    await database.orm.em.fork().execute(
      `insert into form_submission (id, organisation_id, form_id, form_revision, source, data, created_at)
       select 'sub_' || lpad((? + n)::text, 26, '0'), ?, ?, 1, 'api', '{}', '2026-11-01' from generate_series(1, ?) n`,
      [count * 1_000, organisationId, form.id, count],
    );
    const ids = (await exported()).slice(1, -1).map((line) => line.split(',')[0]);
    expect([ids.length, new Set(ids).size]).toEqual([count, count]);
    expect(ids).toEqual(ids.toSorted());
  });
});
