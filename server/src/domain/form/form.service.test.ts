import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '../../../test/database.ts';
import type { Caller } from '../caller.ts';
import { ResourceNotFoundError } from '../domain-error.ts';
import { newId } from '../id.ts';
import { Organisation } from '../organisation/organisation.entity.ts';
import { resourceLimits } from '../organisation/plan.ts';
import { scopes } from '../scope.ts';
import { Trigger } from '../trigger/trigger.entity.ts';
import type { WorkflowService } from '../workflow/workflow.service.ts';
import { Form } from './form.entity.ts';
import { type FormChange, FormService, type NewForm } from './form.service.ts';
import type { FormField } from './form-field.ts';

/** One is published, the other is not; others are not there. */
const [published, draft] = ['wf_01m8pfnnx3fzram1f4zdx7c234', 'wf_01m8pfnnx3fzram1f4zdx7c235'];
const workflows = {
  get: async (_: string, id: string) => {
    if (id === published) return { publishedVersion: 1 };
    if (id === draft) return { publishedVersion: null };
    throw new ResourceNotFoundError('workflow', id);
  },
} as unknown as WorkflowService;
const fields: FormField[] = [{ name: 'name', type: 'text', label: 'Your name' }];

let database: TestDatabase;
let caller: Caller;
let limited: Caller;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());
beforeEach(async () => {
  caller = await organisation();
  limited = { ...caller, scopes: ['forms:write'] };
});

async function organisation(): Promise<Caller> {
  const id = newId('org');
  const em = database.orm.em.fork();
  em.create(Organisation, { id, name: 'Acme', plan: 'pro' });
  await em.flush();
  return { organisationId: id, userId: newId('user'), scopes };
}

/** A service with an EntityManager of its own, as each request has one. */
const forms = (of = workflows): FormService => new FormService(database.orm.em.fork(), of);
const make = (more: Partial<NewForm> = {}): Promise<Form> =>
  forms().create(caller, { name: 'Contact', fields, ...more });
const update = ({ id }: Form, change: FormChange, by = caller): Promise<Form> => forms().update(by, id, change);
const publish = ({ id }: Form, by = caller): Promise<Form> => forms().publish(by, id);
const stored = ({ id }: Form): Promise<Form> => database.orm.em.fork().findOneOrFail(Form, { id });
const refused = (field: string): object => ({
  code: 'validation_error',
  details: { errors: [{ field, location: 'body' }] },
});
const unscoped = { code: 'insufficient_scope', details: { missing_scopes: ['workflows:execute'] } };

describe('a new form', () => {
  test('is a draft with its name as title, and an address of its own', async () => {
    const made = await stored(await forms().create(caller, { name: 'Ärger & Co', description: undefined }));
    expect(made).toMatchObject({
      name: 'Ärger & Co',
      title: 'Ärger & Co',
      description: null,
      status: 'draft',
      fields: [],
      settings: {},
      workflowId: null,
      revision: 1,
      createdBy: caller.userId,
      publishedAt: null,
    });
    expect(made.slug).toMatch(/^[a-z0-9]+(?:-[a-z0-9]+)*-[0-9a-z]{8}$/);
  });

  test('takes what it is given', async () => {
    const given = { title: 'T', description: 'D', slug: newId('form').slice(5), settings: { submit_label: 'Go' } };
    expect(await stored(await make({ ...given, workflowId: draft }))).toMatchObject({
      ...given,
      fields,
      workflowId: draft,
    });
  });

  test.each<[given: Partial<NewForm>, field: string]>([
    [{ name: 'a\0' }, 'name'],
    [{ title: 'a\0' }, 'title'],
    [{ description: '\ud800' }, 'description'],
    [{ settings: { success_message: 'a\0' } }, 'settings'],
    [{ fields: [{ name: 'a', type: 'text', label: 'a\0' }] }, 'fields'],
    [{ fields: [{ name: 'a', type: 'select', label: 'A' }] }, 'fields[0].options'],
    [{ workflowId: 'wf_01m8pfnnx3fzram1f4zdx7c236' }, 'workflow_id'],
  ])('%j is refused for its %s, also as a change', async (given, field) => {
    await expect(make(given)).rejects.toMatchObject(refused(field));
    const form = await make();
    await expect(update(form, given)).rejects.toMatchObject(refused(field));
    expect(await stored(form)).toMatchObject({ revision: 1, fields });
  });

  test('whose workflow cannot be looked up is not told to have none', async () => {
    const fault = new Error('connection lost');
    const failing = { get: () => Promise.reject(fault) } as unknown as WorkflowService;
    await expect(forms(failing).create(caller, { name: 'A', workflowId: published })).rejects.toBe(fault);
    const form = await make({ workflowId: published });
    await expect(forms(failing).publish(caller, form.id)).rejects.toBe(fault);
  });

  test('is one of as many as the plan allows', async () => {
    const { id } = await make();
    await database.orm.em.fork().execute(
      `insert into form (id, organisation_id, name, title, slug, status, fields, settings, revision, created_at, updated_at)
       select f.id || n, organisation_id, name, title, slug || n, status, fields, settings, 1, created_at, updated_at
       from form f cross join generate_series(1, ?) n where id = ?`,
      [resourceLimits.pro.forms - 2, id],
    );
    await make();
    await expect(make()).rejects.toMatchObject({ message: 'There are too many forms.' });
  });
});

describe('an address', () => {
  const taken = (slug: string): object => ({ code: 'form_slug_taken', details: { slug } });

  test('belongs to one form of all organisations, which keeps it at its own changes', async () => {
    const slug = newId('form').slice(5);
    const form = await make({ slug });
    await update(form, { slug, name: 'Other' });
    caller = await organisation();
    await expect(make({ slug })).rejects.toMatchObject(taken(slug));
    const other = await make();
    await expect(update(other, { slug })).rejects.toMatchObject(taken(slug));
    await update(other, { name: 'Another' });
  });

  test('that two take at once is given to one of them', async () => {
    const slug = newId('form').slice(5);
    const made = await Promise.allSettled([make({ slug }), make({ slug }), make({ slug })]);
    expect(made.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const one of made) if (one.status === 'rejected') expect(one.reason).toMatchObject(taken(slug));
  });
});

describe('a change', () => {
  test('changes what is given, lifts what is null, leaves alone what is absent, and is counted', async () => {
    const form = await make({ description: 'first', workflowId: draft, settings: { submit_label: 'Go' } });
    expect(await update(form, { name: 'Other', title: undefined })).toMatchObject({
      name: 'Other',
      title: 'Contact',
      description: 'first',
      workflowId: draft,
      settings: { submit_label: 'Go' },
      revision: 2,
    });
    const lifted = { description: null, workflowId: null, fields: [], settings: {} };
    expect(await update(form, lifted)).toMatchObject({ ...lifted, name: 'Other', revision: 3 });
    expect((await stored(form)).updatedAt.getTime()).toBeGreaterThanOrEqual(form.updatedAt.getTime());
  });

  test('that was made from another revision is refused', async () => {
    const form = await make({ description: 'first' });
    await update(form, { name: 'Other', revision: 1 });
    await expect(update(form, { name: 'Another', revision: 1 })).rejects.toMatchObject({ code: 'revision_conflict' });
    const own = forms();
    await own.get(caller.organisationId, form.id);
    await update(form, { name: 'Third', description: null, revision: 2 });
    expect(await own.get(caller.organisationId, form.id)).toMatchObject({ name: 'Third', description: null });
    await expect(own.update(caller, form.id, { name: 'Late', revision: 2 })).rejects.toMatchObject({
      code: 'revision_conflict',
    });
    expect(await stored(form)).toMatchObject({ name: 'Third', revision: 3 });
  });

  test('leaves a published form as one that could be published', async () => {
    const form = await publish(await make());
    await expect(update(form, { fields: [] })).rejects.toMatchObject(refused('fields'));
    await expect(update(form, { workflowId: draft })).rejects.toMatchObject(refused('workflow_id'));
    expect(await update(form, { workflowId: published })).toMatchObject({ status: 'published', workflowId: published });
  });
});

describe('publishing', () => {
  test('opens the form once, and unpublishing closes it once', async () => {
    const form = await make();
    await expect(forms().getPublished(form.slug)).rejects.toMatchObject({ code: 'resource_not_found' });
    const { publishedAt, revision } = await publish(form);
    expect([publishedAt, revision]).toEqual([expect.any(Date), 2]);
    expect(await publish(form)).toMatchObject({ publishedAt, revision: 2 });
    const own = forms();
    await update(form, { description: 'first' });
    expect((await own.getPublished(form.slug)).id).toBe(form.id);
    await update(form, { description: null });
    expect((await own.getPublished(form.slug)).description).toBeNull();
    expect((await forms().getPublished(form.id)).id).toBe(form.id);
    const close = { status: 'draft', publishedAt: null, revision: 5 };
    for (let time = 0; time < 2; time++)
      expect(await forms().unpublish(caller.organisationId, form.id)).toMatchObject(close);
  });

  test.each<[given: Partial<NewForm>, field: string]>([
    [{ fields: [] }, 'fields'],
    [{ workflowId: draft }, 'workflow_id'],
  ])('%j keeps it from being published for its %s', async (given, field) => {
    const form = await make(given);
    await expect(publish(form)).rejects.toMatchObject(refused(field));
    expect(await stored(form)).toMatchObject({ status: 'draft' });
  });

  test('of a form whose workflow is gone is refused', async () => {
    const form = await make({ workflowId: published });
    await database.orm.em.fork().nativeUpdate(Form, { id: form.id }, { workflowId: newId('wf') });
    await expect(publish(form)).rejects.toMatchObject(refused('workflow_id'));
  });

  test('lets nobody start workflows that may not execute them: by the form itself, or by its triggers', async () => {
    await expect(forms().create(limited, { name: 'A', workflowId: published })).rejects.toMatchObject(unscoped);
    const form = await make();
    await expect(update(form, { workflowId: published }, limited)).rejects.toMatchObject(unscoped);
    await update(form, { name: 'Other', workflowId: null }, limited);
    await publish(form, limited);
    const bound = await make({ workflowId: published });
    await expect(publish(bound, limited)).rejects.toMatchObject(unscoped);
    const trigger = async (formId: string, enabled: boolean): Promise<void> => {
      const of = { organisationId: caller.organisationId, workflowId: published, enabled };
      const config = { kind: 'form', formId } as const;
      await database.orm.em
        .fork()
        .persist(Trigger.create(of, { name: 'T', description: null, config, input: null }))
        .flush();
    };
    const other = await make();
    await trigger(other.id, false);
    await trigger(form.id, true);
    await publish(other, limited);
    await trigger(other.id, true);
    await forms().unpublish(caller.organisationId, other.id);
    await expect(publish(other, limited)).rejects.toMatchObject(unscoped);
    await publish(other);
  });
});

test('what the page says has words of its own, unless the author gave some', async () => {
  expect((await make()).words()).toEqual({ submitLabel: 'Send', successTitle: 'Thank you', successMessage: null });
  const settings = { submit_label: 'Go', success_title: 'Done', success_message: 'Bye' };
  expect((await make({ settings })).words()).toEqual({
    submitLabel: 'Go',
    successTitle: 'Done',
    successMessage: 'Bye',
  });
});

test.each(['x\0', 'A', 'a--b', '-a', 'a-', '', 'a'.repeat(81), 'form_nonsense'])(
  '%j is no address of a form',
  async (slug) => {
    await expect(forms().getPublished(slug)).rejects.toMatchObject({ code: 'resource_not_found' });
  },
);

test('of another organisation, or under what is no id, there is none', async () => {
  const form = await make();
  const stranger = await organisation();
  for (const [by, id] of [
    [stranger, form.id],
    [caller, 'x\0'],
  ] as const) {
    const missing = { code: 'resource_not_found', details: { resource: 'form' } };
    await expect(forms().get(by.organisationId, id)).rejects.toMatchObject(missing);
    await expect(forms().update(by, id, { name: 'x' })).rejects.toMatchObject(missing);
    await expect(forms().publish(by, id)).rejects.toMatchObject(missing);
    await expect(forms().unpublish(by.organisationId, id)).rejects.toMatchObject(missing);
    await expect(forms().delete(by.organisationId, id)).rejects.toMatchObject(missing);
  }
  await forms().delete(caller.organisationId, form.id);
  await expect(forms().get(caller.organisationId, form.id)).rejects.toMatchObject({ code: 'resource_not_found' });
});

test('they are listed newest first, in pages, by status and by part of the name or the title', async () => {
  const all = [
    await make({ name: 'One', title: '100%' }),
    await make({ name: 'Two_', title: 'T' }),
    await make({ name: 'Three', title: 'ONE more' }),
  ];
  await publish(all[1]!);
  const list = async (query: object): Promise<unknown> => {
    const { items, total } = await forms().list(caller.organisationId, { page: 1, perPage: 10, ...query });
    return [items.map(({ id }) => all.findIndex((one) => one.id === id)), total];
  };
  expect(await list({})).toEqual([[2, 1, 0], 3]);
  expect(await list({ page: 2, perPage: 2 })).toEqual([[0], 3]);
  expect([await list({ status: 'published' }), await list({ status: 'draft' })]).toEqual([
    [[1], 1],
    [[2, 0], 2],
  ]);
  expect(await list({ search: 'one' })).toEqual([[2, 0], 2]);
  expect([await list({ search: '%' }), await list({ search: '_' }), await list({ search: '\\' })]).toEqual([
    [[0], 1],
    [[1], 1],
    [[], 0],
  ]);
  expect(await list({ search: 'a\0' })).toEqual([[], 0]);
});
