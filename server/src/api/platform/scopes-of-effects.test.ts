import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { startTestServer, type TestServer } from '../../../test/app.ts';
import { until } from '../../../test/until.ts';

// What a request lets happen takes the scope of that, too: nobody has done for them what they may not do themselves.

let server: TestServer;
let workflowId: string;
beforeAll(async () => {
  server = await startTestServer();
  const definition = { nodes: [{ id: 'note', type: 'log', params: { message: 'Here' } }], edges: [] };
  workflowId = (await made('/workflows', { name: 'Started', definition })).id;
  await made(`/workflows/${workflowId}/publish`, {});
}, 180_000);
afterAll(() => server.close());
beforeEach(() => server.sql('delete from request_count'));

interface Answer {
  status: number;
  code?: string;
  missing?: string[];
  data: any; // eslint-disable-line typescript/no-explicit-any -- tests look into it
}

async function send(method: string, path: string, body?: unknown, key = server.admin.apiKey): Promise<Answer> {
  const type = body === undefined ? {} : { 'content-type': 'application/json' };
  const headers = { 'x-api-key': key, ...type };
  const answer = await fetch(`${server.url}/v1${path}`, { method, headers, body: JSON.stringify(body) });
  const text = await answer.text();
  const { data, error } = text === '' ? { data: undefined, error: undefined } : JSON.parse(text);
  return { status: answer.status, code: error?.code, missing: error?.details?.missing_scopes, data };
}

// eslint-disable-next-line typescript/no-explicit-any -- tests look into it
async function made(path: string, body: unknown): Promise<any> {
  const { status, code, data } = await send('POST', path, body);
  expect({ path, status: status < 300, code }).toEqual({ path, status: true, code: undefined });
  return data;
}

async function keyWith(...scopes: string[]): Promise<string> {
  return (await made('/api-keys', { name: 'Narrow', scopes: [...new Set(scopes)] })).secret;
}

/** The request is refused for want of just this scope, and goes through with it. */
async function takes(scope: string, owned: string, [method, path, body]: [string, string, unknown?]): Promise<void> {
  const own = owned.split(' ');
  const without = await send(method, path, body, await keyWith(...own));
  expect({ path, status: without.status, code: without.code }).toEqual({
    path,
    status: 403,
    code: 'insufficient_scope',
  });
  expect(without.missing).toContain(scope);
  const { status, code } = await send(method, path, body, await keyWith(...own, scope));
  expect({ path, ok: status < 300, code }).toEqual({ path, ok: true, code: undefined });
}

const execute = 'workflows:execute';
const hook = () => ({ workflow_id: workflowId, name: 'Hook', config: { kind: 'webhook', auth: { type: 'bearer' } } });
const schedule = () => ({ workflow_id: workflowId, name: 'Yearly', cron: '0 0 1 1 *' });
const route = () => ({ method: 'POST', path: '/go', workflow_id: workflowId });
const channel = () => ({ name: 'Channel', kind: 'http', routes: [route()] });
const form = (fields: object = {}) => ({ name: 'Form', fields: [{ name: 'a', type: 'text', label: 'A' }], ...fields });

describe('to let others start a workflow takes the right to execute it', () => {
  test('by a trigger: making, changing and enabling it, and a new secret', async () => {
    const own = 'triggers:write';
    await takes(execute, own, ['POST', '/triggers', hook()]);
    const { trigger } = await made('/triggers', hook());
    const path = `/triggers/${trigger.id}`;
    await takes(execute, own, ['PATCH', path, { input: { n: 1 } }]);
    await takes(execute, own, ['PATCH', path, { config: { kind: 'webhook', auth: { type: 'none' } } }]);
    await takes(execute, own, ['POST', `${path}/rotate-secret`, {}]);
    const key = await keyWith(own);
    expect((await send('PATCH', path, { name: 'Renamed' }, key)).status).toBe(200);
    expect((await send('POST', `${path}/disable`, undefined, key)).status).toBe(200);
    await takes(execute, own, ['POST', `${path}/enable`]);
    expect((await send('DELETE', path, undefined, key)).status).toBe(204);
  });

  test('by a schedule', async () => {
    const own = 'triggers:write';
    await takes(execute, own, ['POST', '/schedules', schedule()]);
    const { id } = await made('/schedules', schedule());
    await takes(execute, own, ['PATCH', `/schedules/${id}`, { cron: '0 0 2 1 *' }]);
    expect((await send('POST', `/schedules/${id}/pause`, undefined, await keyWith(own))).status).toBe(200);
    await takes(execute, own, ['POST', `/schedules/${id}/resume`]);
  });

  test('by a channel', async () => {
    const own = 'channels:write';
    await takes(execute, own, ['POST', '/channels', channel()]);
    const { id } = (await made('/channels', channel())).channel;
    const key = await keyWith(own);
    expect((await send('PATCH', `/channels/${id}`, { enabled: false, description: 'Off' }, key)).status).toBe(200);
    for (const change of [{ enabled: true }, { auth_mode: 'public' }, { routes: [route()] }])
      await takes(execute, own, ['PATCH', `/channels/${id}`, change]);
    await takes(execute, own, ['POST', `/channels/${id}/rotate-token`]);
  });

  test('by a form', async () => {
    const own = 'forms:write';
    await takes(execute, own, ['POST', '/forms', form({ workflow_id: workflowId })]);
    const bare = await made('/forms', form());
    await takes(execute, own, ['PATCH', `/forms/${bare.id}`, { workflow_id: workflowId }]);
    await takes(execute, own, ['POST', `/forms/${bare.id}/publish`]);
    const other = await made('/forms', form());
    const key = await keyWith(own);
    expect((await send('POST', `/forms/${other.id}/publish`, undefined, key)).status).toBe(200);
    await send('POST', `/forms/${other.id}/unpublish`, undefined, key);
    const config = { kind: 'form', form_id: other.id };
    await made('/triggers', { workflow_id: workflowId, name: 'On submission', config });
    await takes(execute, own, ['POST', `/forms/${other.id}/publish`]);
  });
});

describe('to have events told takes the scope that reads them', () => {
  const readers = [
    ['execution.completed', 'executions:read'],
    ['workflow.updated', 'workflows:read'],
    ['form.submitted', 'submissions:read'],
    ['credential.expired', 'credentials:read'],
    ['alert.triggered', 'webhooks:read'],
  ] as const;
  const url = 'http://127.0.0.1:9/';

  test.each(readers)('%s to a webhook and to a trigger: %s', async (type, scope) => {
    const events = [type];
    await takes(scope, 'webhooks:write', ['POST', '/webhooks', { name: 'Told', url, events }]);
    const { id } = (await made('/webhooks', { name: 'Told', url, events: ['execution.started'] })).webhook;
    const key = await keyWith('webhooks:write', 'executions:read');
    expect((await send('PATCH', `/webhooks/${id}`, { url: `${url}x` }, key)).status).toBe(200);
    await takes(scope, 'webhooks:write', ['PATCH', `/webhooks/${id}`, { events }]);
    await takes(scope, 'webhooks:write', ['PATCH', `/webhooks/${id}`, { url }]);
    const trigger = { workflow_id: workflowId, name: 'Told', config: { kind: 'event', events, filter: 'false' } };
    await takes(scope, 'triggers:write workflows:execute', ['POST', '/triggers', trigger]);
  });

  test('what people wrote into a form is in a delivery only for those who may read it', async () => {
    const { id } = (await made('/webhooks', { name: 'Told', url, events: ['form.submitted'] })).webhook;
    const asked = await made('/forms', form());
    await made(`/forms/${asked.id}/publish`, {});
    await made(`/forms/${asked.id}/submissions`, { data: { a: 'between us' } });
    const [delivery] = await until(async () => {
      const { data } = await send('GET', `/webhooks/${id}/deliveries`);
      return data.length > 0 && data[0].attempts > 0 && data;
    });
    const path = `/webhooks/${id}/deliveries/${delivery.id}`;
    const without = await send('GET', path, undefined, await keyWith('webhooks:read'));
    expect(without).toMatchObject({ status: 200, data: { id: delivery.id, payload: null } });
    const withIt = await send('GET', path, undefined, await keyWith('webhooks:read', 'submissions:read'));
    expect(withIt.data.payload.data.values).toEqual({ a: 'between us' });
    await server.sql(`update webhook_attempt set response_body = 'You said: between us'`);
    const attempts = await send('GET', `${path}/attempts`, undefined, await keyWith('webhooks:read'));
    expect(attempts.data[0]).toMatchObject({ response_body: null });
  });
});

describe('ids in a body are of the same organisation', () => {
  test('400: a form trigger for a form that is not there, or is of somebody else', async () => {
    const stranger = await server.createOrganisation();
    const theirs = (await send('POST', '/forms', form(), stranger.apiKey)).data.id;
    const ours = (await made('/forms', form())).id;
    const of = (form_id: string) => ({ workflow_id: workflowId, name: 'Form', config: { kind: 'form', form_id } });
    const { trigger } = await made('/triggers', of(ours));
    for (const id of [theirs, 'form_01kaq4e5n8e3s4t5v6w7x8y9z0']) {
      expect(await send('POST', '/triggers', of(id))).toMatchObject({ status: 400, code: 'validation_error' });
      const change = { config: { kind: 'form', form_id: id } };
      const changed = await send('PATCH', `/triggers/${trigger.id}`, change);
      expect(changed).toMatchObject({ status: 400, code: 'validation_error' });
    }
  });
});
