import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { MikroORM, RequestContext } from '@mikro-orm/core';
import { startTestServer, type TestServer } from '../../../test/start-test-server.ts';
import { ResourceNotFoundError } from '../domain-error.ts';
import { Form } from './form.entity.ts';
import { SubmissionService } from './submission.service.ts';

let server: TestServer;

beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

async function call(method: string, path: string, body?: object): Promise<Response> {
  return fetch(`${server.url}/v1${path}`, {
    method,
    headers: { 'x-api-key': server.admin.apiKey, ...(body && { 'content-type': 'application/json' }) },
    body: body && JSON.stringify(body),
  });
}

async function published(): Promise<Form> {
  const fields = [{ name: 'name', type: 'text', label: 'Your name' }];
  const made = await call('POST', '/forms', { name: 'Contact', fields });
  const { data } = (await made.json()) as { data: { id: string } };
  await call('POST', `/forms/${data.id}/publish`);
  return server.app.get(MikroORM).em.fork().findOneOrFail(Form, data.id);
}

const submit = (form: Form): Promise<unknown> =>
  RequestContext.create(server.app.get(MikroORM).em, () =>
    server.app.get(SubmissionService).submit(form, { answers: { name: 'Ada' }, source: 'api' }),
  );

test('a form that is deleted after it was looked up takes nothing', async () => {
  const form = await published();
  await call('DELETE', `/forms/${form.id}`);
  await expect(submit(form)).rejects.toThrow(ResourceNotFoundError);
});

test('a form that is unpublished after it was looked up takes nothing', async () => {
  const form = await published();
  await call('POST', `/forms/${form.id}/unpublish`);
  await expect(submit(form)).rejects.toThrow(ResourceNotFoundError);
  expect(await server.sql('select 1 from form_submission where form_id = $1', [form.id])).toEqual([]);
});
