import { describe, expect, test } from '@jest/globals';
import { useContractHarness } from '../harness/contract-harness.ts';
import { apiKey, publishedWorkflow } from '../harness/resources.ts';
import { ANSWERS, CONTACT, publishedForm } from '../harness/tags/forms.ts';

const harness = useContractHarness();

async function submit(path: { form_id: string }, data: unknown = ANSWERS): Promise<string> {
  const { status, body } = await harness().call('submitForm', { path, json: { data }, apiKey: null });
  expect(status).toBe(201);
  return body.data.id;
}

/** What submitForm says about answers that are wrong: field and message. */
async function problems(path: { form_id: string }, data: unknown): Promise<Record<string, string>> {
  const { body } = await harness().refused('submitForm', { path, json: { data } }, 400, 'validation_error');
  const errors = body.error.details.errors as { field: string; message: string; location: string }[];
  expect(new Set(errors.map(({ location }) => location))).toEqual(new Set(['body']));
  return Object.fromEntries(errors.map(({ field, message }) => [field, message]));
}

describe('the life of a form', () => {
  test('a draft is made, published, changed, closed and deleted', async () => {
    const fp = harness().sdk();
    const draft = await fp.forms.create({ name: 'Héllo Wörld', fields: CONTACT as never });
    expect(draft).toMatchObject({ title: 'Héllo Wörld', status: 'draft', page_path: null, revision: 1 });
    expect(draft.slug).toMatch(/^he-llo-wo-rld-[a-z0-9]{8}$/);
    const open = await fp.forms.publish(draft.id);
    expect(open).toMatchObject({ status: 'published', page_path: `/f/${draft.slug}`, revision: 2 });
    const changed = await fp.forms.update(draft.id, { title: 'Hello', revision: 2 });
    expect(changed).toMatchObject({ title: 'Hello', name: 'Héllo Wörld', status: 'published', revision: 3 });
    const closed = await fp.forms.unpublish(draft.id);
    expect(closed).toMatchObject({ status: 'draft', page_path: null, published_at: null, revision: 4 });
    const listed = await fp.forms.list({ search: 'wörld', status: 'draft' });
    expect(listed.data).toEqual([expect.objectContaining({ id: draft.id, field_count: 4 })]);
    await fp.forms.delete(draft.id);
    await harness().refused('getForm', { path: { form_id: draft.id } }, 404, 'resource_not_found');
  });

  test('200: publishing and closing a second time change nothing', async () => {
    const path = await publishedForm(harness());
    const again = await harness().call('publishForm', { path });
    expect(again.body.data.revision).toBe(2);
    await harness().call('unpublishForm', { path });
    const closed = await harness().call('unpublishForm', { path });
    expect(closed.body.data.revision).toBe(3);
  });

  test('409: a slug that another form has, also when it is taken later', async () => {
    const slug = `taken-${Date.now()}`;
    await harness().call('createForm', { json: { name: 'First', slug } });
    await harness().refused('createForm', { json: { name: 'Second', slug } }, 409, 'form_slug_taken');
    const { body } = await harness().call('createForm', { json: { name: 'Third' } });
    const path = { form_id: body.data.id };
    await harness().refused('updateForm', { path, json: { slug } }, 409, 'form_slug_taken');
  });

  test('409: a change from another revision', async () => {
    const path = await publishedForm(harness());
    await harness().refused('updateForm', { path, json: { name: 'Late', revision: 1 } }, 409, 'revision_conflict');
  });

  test('400: every problem of the fields is listed', async () => {
    const fields = [
      { name: 'a', type: 'text', label: 'A', min_length: 5, max_length: 2 },
      { name: 'a', type: 'select', label: 'Again', options: [opt('x')] },
      { name: 'b', type: 'multiselect', label: 'B', options: [opt('x'), opt('x')], min_items: 9 },
      { name: 'c', type: 'text', label: 'C', pattern: '(' },
      { name: 'd', type: 'date', label: 'D', min_date: '2026-02-01', max_date: '2026-01-01' },
      { name: 'e', type: 'text', label: 'E', pattern: String.raw`(.)\1` },
    ];
    const { body } = await harness().refused('createForm', { json: { name: 'X', fields } }, 400, 'validation_error');
    expect(body.error.details.errors.map(({ field }: { field: string }) => field)).toEqual([
      'fields[0].min_length',
      'fields[1].name',
      'fields[2].min_items',
      'fields[2].options[1].value',
      'fields[3].pattern',
      'fields[4].min_date',
      'fields[5].pattern',
    ]);
    expect(body.error.details.errors.at(-1).message).toBe(
      String.raw`cannot be checked in a time that is bounded: it has the back-reference \1 at character 4. Write out what may be repeated.`,
    );
  });

  test.each([
    [{ type: 'text', min: 3 }, 'min'],
    [{ type: 'select' }, 'options'],
    [{ type: 'email', pattern_message: 'No.' }, 'pattern'],
    [{ type: 'checkbox', placeholder: 'x' }, 'placeholder'],
    [{ type: 'colour' }, 'type'],
  ])('400: what a field of this type does not have: %j', async (field, wrong) => {
    const json = { name: 'X', fields: [{ name: 'a', label: 'A', ...field }] };
    const { body } = await harness().refused('createForm', { json }, 400, 'validation_error');
    expect(body.error.details.errors.map(({ field }: { field: string }) => field)).toEqual([`fields[0].${wrong}`]);
  });

  test('400: a form without fields, or whose workflow is not published, is not opened', async () => {
    const workflow = await harness().call('createWorkflow', { json: { name: 'Draft' } });
    const json = { name: 'Empty', workflow_id: workflow.body.data.id };
    const { body } = await harness().call('createForm', { json });
    const path = { form_id: body.data.id };
    const refused = await harness().refused('publishForm', { path }, 400, 'validation_error');
    expect(refused.body.error.details.errors.map(({ field }: { field: string }) => field)).toEqual([
      'fields',
      'workflow_id',
    ]);
  });

  test('400: a workflow that is not of this organisation', async () => {
    const json = { name: 'Foreign', workflow_id: 'wf_01kaq4e5n8e3s4t5v6w7x8y9z0' };
    await harness().refused('createForm', { json }, 400, 'validation_error');
  });

  test('400: a published form cannot lose its last field', async () => {
    const path = await publishedForm(harness());
    await harness().refused('updateForm', { path, json: { fields: [] } }, 400, 'validation_error');
    expect((await harness().call('getForm', { path })).body.data.fields).toHaveLength(4);
  });
});

describe('submitting', () => {
  const ALL = [
    { name: 'text', type: 'text', label: 'Text', pattern: '[A-Z]{2}-\\d+', pattern_message: 'Like AB-1.' },
    { name: 'area', type: 'textarea', label: 'Area', min_length: 5 },
    { name: 'mail', type: 'email', label: 'Mail' },
    { name: 'site', type: 'url', label: 'Site' },
    { name: 'phone', type: 'phone', label: 'Phone' },
    { name: 'count', type: 'number', label: 'Count', min: 1, max: 9, integer: true },
    { name: 'day', type: 'date', label: 'Day', min_date: '2026-01-01', max_date: '2026-12-31' },
    { name: 'one', type: 'select', label: 'One', options: [opt('a'), opt('b')] },
    { name: 'some', type: 'multiselect', label: 'Some', options: [opt('a'), opt('b'), opt('c')], max_items: 2 },
    { name: 'agree', type: 'checkbox', label: 'Agree', required: true },
  ];
  const GOOD = {
    text: ' AB-12 ',
    area: 'line one\r\nline two',
    mail: 'ada@example.com',
    site: 'https://example.com/a?b=c',
    phone: '+49 (30) 1234-56',
    count: 3,
    day: '2026-02-28',
    one: 'b',
    some: ['a', 'c'],
    agree: true,
  };

  test('201: by slug and without credentials; text is trimmed', async () => {
    const { form_id } = await publishedForm(harness(), { fields: ALL, slug: 'every-type' });
    const id = await submit({ form_id: 'every-type' }, GOOD);
    const { body } = await harness().call('getFormSubmission', { path: { form_id, submission_id: id } });
    expect(body.data).toMatchObject({ form_revision: 2, source: 'api', execution_id: null, start_error: null });
    expect(body.data.data).toEqual({ ...GOOD, text: 'AB-12', area: 'line one\nline two' });
  });

  test('400: every problem, with the field it is about', async () => {
    const path = await publishedForm(harness(), { fields: ALL });
    const wrong = {
      text: 'nope',
      area: 'abc',
      mail: 'ada@nowhere',
      site: 'javascript:alert(1)',
      phone: 'call me',
      count: 2.5,
      day: '2026-02-30',
      one: 'z',
      some: ['a', 'b', 'c'],
      agree: false,
      extra: 1,
    };
    expect(await problems(path, wrong)).toEqual({
      'data.text': 'Like AB-1.',
      'data.area': 'Enter at least 5 characters; this has 3.',
      'data.mail': 'Enter an email address, such as name@example.com.',
      'data.site': 'Enter a web address, such as https://example.com.',
      'data.phone': 'Enter a phone number, such as +49 30 123456.',
      'data.count': 'Enter a whole number.',
      'data.day': 'Enter a date, such as 2026-11-22.',
      'data.one': 'Choose from what is offered.',
      'data.some': 'Choose at most 2 answers.',
      'data.agree': 'Tick this box to go on.',
      'data.extra': 'This is not a field of the form.',
    });
  });

  test('400: answers of another kind than the field asks for', async () => {
    const path = await publishedForm(harness(), { fields: ALL });
    const kinds = { text: 5, count: '7', some: 'a', agree: 'yes', day: true };
    expect(Object.keys(await problems(path, kinds)).sort()).toEqual(
      ['agree', 'count', 'day', 'some', 'text'].map((name) => `data.${name}`),
    );
  });

  test('400: text that cannot be stored, and names of prototypes', async () => {
    const path = await publishedForm(harness(), { fields: CONTACT });
    const raw = '{"data":{"name":"a\\u0000b","email":"ada@example.com","constructor":2}}';
    const refused = await harness().refused(
      'submitForm',
      { path, raw, headers: { 'content-type': 'application/json' } },
      400,
      'validation_error',
    );
    expect(refused.body.error.details.errors.map(({ field }: { field: string }) => field).sort()).toEqual([
      'data.constructor',
      'data.name',
    ]);
  });

  test('201: an answer to a pattern on which others backtrack for ever', async () => {
    const fields = [{ name: 'slow', type: 'text', label: 'Slow', pattern: '(?=.*b)(a*)*b?(a+)+b' }];
    const path = await publishedForm(harness(), { fields });
    expect(await problems(path, { slow: 'a'.repeat(500) })).toEqual({
      'data.slow': 'Enter this in the format that is asked for.',
    });
    await harness().call('submitForm', { path, json: { data: { slow: `${'a'.repeat(500)}b` } }, apiKey: null });
  });

  test('404: a draft, by id and by slug', async () => {
    const { body } = await harness().call('createForm', { json: { name: 'Draft', fields: CONTACT } });
    for (const form_id of [body.data.id, body.data.slug]) {
      const options = { path: { form_id }, json: { data: ANSWERS }, apiKey: null };
      await harness().refused('submitForm', options, 404, 'resource_not_found');
    }
  });
});

describe('what follows from a submission', () => {
  test('201: the workflow of the form starts with the answers', async () => {
    const definition = {
      nodes: [{ id: 'say', type: 'set', params: { values: { said: '{{ trigger.form_name }}: {{ input.name }}' } } }],
      edges: [],
      output: { said: '{{ steps.say.output.said }}', form: '{{ trigger.submission_id }}' },
    };
    const workflow_id = await publishedWorkflow(harness(), definition);
    const path = await publishedForm(harness(), { workflow_id });
    const submission_id = await submit(path);
    const { body } = await harness().call('getFormSubmission', { path: { ...path, submission_id } });
    const done = await harness().sdk().executions.waitForCompletion(body.data.execution_id);
    expect(done).toMatchObject({
      status: 'completed',
      input: ANSWERS,
      output: { said: 'Contact: Ada', form: submission_id },
      started_by: { type: 'form', id: path.form_id },
    });
  });

  test('201: triggers of the form start, too', async () => {
    const workflow_id = await publishedWorkflow(harness(), {
      nodes: [{ id: 'say', type: 'set', params: { values: { said: '{{ trigger.values.name }}' } } }],
      edges: [],
      output: { said: '{{ steps.say.output.said }}', input: '{{ input }}' },
    });
    const path = await publishedForm(harness());
    const config = { kind: 'form', form_id: path.form_id };
    const trigger = await harness().call('createTrigger', { json: { name: 'On answer', workflow_id, config } });
    const submission_id = await submit(path);
    const { body } = await harness().call('getFormSubmission', { path: { ...path, submission_id } });
    const done = await harness().sdk().executions.waitForCompletion(body.data.execution_id);
    expect(done).toMatchObject({
      output: { said: 'Ada', input: ANSWERS },
      started_by: { type: 'trigger', id: trigger.body.data.trigger.id },
    });
  });

  test('201: a workflow that refuses to start costs nobody an answer', async () => {
    const workflow_id = await publishedWorkflow(harness());
    const path = await publishedForm(harness(), { workflow_id });
    const refused = await submit(path);
    await harness().call('updateWorkflow', { path: { workflow_id }, json: { status: 'paused' } });
    const paused = await submit(path);
    const errors = [];
    for (const submission_id of [refused, paused]) {
      const { body } = await harness().call('getFormSubmission', { path: { ...path, submission_id } });
      expect(body.data.execution_id).toBeNull();
      errors.push(body.data.start_error);
    }
    expect(errors).toEqual([
      { code: 'validation_error', message: expect.stringContaining('input.n is missing') },
      { code: 'workflow_paused', message: expect.any(String) },
    ]);
  });

  test('201: whoever listens to form.submitted is told in the same transaction', async () => {
    const path = await publishedForm(harness());
    const heard = (): Promise<{ data: unknown }[]> =>
      harness().server.sql(`select data from domain_event where type = 'form.submitted' and data->>'form_id' = $1`, [
        path.form_id,
      ]);
    await submit(path);
    expect(await heard()).toEqual([]);
    await harness().server.sql(
      `insert into event_subscription (organisation_id, event_type, listener_kind, listener_id) values ($1, 'form.submitted', 'webhook', 'wh_test')`,
      [harness().server.admin.organisationId],
    );
    const submission_id = await submit(path);
    expect(await heard()).toEqual([
      { data: expect.objectContaining({ form_name: 'Contact', submission_id, values: ANSWERS }) },
    ]);
  });
});

describe('submissions', () => {
  test('200: by page, by cursor, by time and by source, newest first', async () => {
    const path = await publishedForm(harness());
    const made: string[] = [];
    for (let n = 0; n < 5; n++) made.push(await submit(path, { ...ANSWERS, name: `n${n}` }));
    const newestFirst = made.toReversed();
    const walked: string[] = [];
    for await (const { id } of harness().sdk().forms.listSubmissions(path.form_id, { per_page: 2 })) walked.push(id);
    expect(walked).toEqual(newestFirst);
    const second = await harness().call('listFormSubmissions', { path, query: { per_page: 2, page: 2 } });
    expect(second.body.data.map(({ id }: { id: string }) => id)).toEqual(newestFirst.slice(2, 4));
    const outside: Record<string, string>[] = [
      { from: '2100-01-01T00:00:00Z' },
      { to: '2000-01-01T00:00:00Z' },
      { source: 'page' },
    ];
    for (const query of outside) {
      expect((await harness().call('listFormSubmissions', { path, query })).body.data).toEqual([]);
    }
    await harness().refused('listFormSubmissions', { path, query: { cursor: 'AAAA' } }, 400, 'validation_error');
  });

  test('403: reading forms is not reading what was submitted', async () => {
    const path = await publishedForm(harness());
    const { secret } = await apiKey(harness(), { scopes: ['forms:read'] });
    expect((await harness().call('getForm', { path, apiKey: secret })).status).toBe(200);
    await harness().refused('listFormSubmissions', { path, apiKey: secret }, 403, 'insufficient_scope');
  });

  test('204: a submission is deleted for good', async () => {
    const path = { ...(await publishedForm(harness())), submission_id: '' };
    path.submission_id = await submit(path);
    expect((await harness().call('deleteFormSubmission', { path })).status).toBe(204);
    await harness().refused('getFormSubmission', { path }, 404, 'resource_not_found');
  });

  test('404: a submission to another form', async () => {
    const submission_id = await submit(await publishedForm(harness()));
    const path = { ...(await publishedForm(harness())), submission_id };
    await harness().refused('getFormSubmission', { path }, 404, 'resource_not_found');
  });

  test('200: the CSV file has a column for each field, runs no formula, and keeps removed fields', async () => {
    const path = await publishedForm(harness(), { name: 'Evil Sheet' });
    const first = await submit(path, {
      name: '=HYPERLINK("http://evil")',
      email: 'a@example.com',
      message: 'x\ny, "z"',
    });
    const fields = [...CONTACT.slice(0, 2), { name: 'n', type: 'number', label: 'N' }];
    await harness().call('updateForm', { path, json: { fields } });
    const second = await submit(path, { name: '+1', email: '+a@example.com', n: -5 });
    const { status, headers, text } = await harness().call('exportFormSubmissions', { path });
    expect(status).toBe(200);
    expect(headers.get('content-type')).toBe('text/csv; charset=utf-8');
    expect(headers.get('content-disposition')).toBe('attachment; filename="evil-sheet.csv"');
    const time = String.raw`\d{4}-\d\d-\d\dT[\d:.]{12}Z`;
    const [head, ...rest] = text.split('\r\n');
    expect(head).toBe('submission_id,submitted_at,source,execution_id,name,email,n,message');
    expect(rest[0]).toMatch(
      new RegExp(`^${first},${time},api,,"'=HYPERLINK\\(""http://evil""\\)",a@example.com,,"x\ny, ""z"""$`),
    );
    expect(rest[1]).toMatch(new RegExp(`^${second},${time},api,,'\\+1,'\\+a@example.com,-5,$`));
    expect(rest[2]).toBe('');
  });

  test('200: a long export is complete and in order', async () => {
    const path = await publishedForm(harness());
    await submit(path);
    await harness().server.sql(
      `insert into form_submission (id, organisation_id, form_id, form_revision, source, data, created_at)
       select 'sub_' || lpad(n::text, 26, '0'), organisation_id, form_id, 1, 'api', jsonb_build_object('name', n), created_at
       from form_submission, generate_series(1, 1200) n where form_id = $1`,
      [path.form_id],
    );
    const { text } = await harness().call('exportFormSubmissions', { path });
    expect(text.trimEnd().split('\r\n')).toHaveLength(1 + 1201);
    expect(text).toContain(',1200,');
  });
});

function opt(value: string): { value: string; label: string } {
  return { value, label: value.toUpperCase() };
}
