import { describe, expect, test } from '@jest/globals';
import { useContractHarness } from '../harness/contract-harness.ts';
import { credential, draftWorkflow, freshName, publishedWorkflow, QUICK } from '../harness/resources.ts';

const harness = useContractHarness();

const everyType = [
  { type: 'api_key', key: 'a confidential key', in: 'query', name: 'key' },
  { type: 'bearer', token: 'a confidential token' },
  { type: 'basic', username: 'orders', password: 'a confidential password' },
  { type: 'basic', username: 'confidential_name', password: '' },
  { type: 'oauth2', token_url: 'https://id.example/token', client_id: 'us', client_secret: 'a confidential one' },
  { type: 'smtp', host: 'mail.example', username: 'us', password: 'a confidential one' },
  { type: 'custom', headers: { 'X-Tenant': 'a confidential one' } },
];

test.each(everyType)('a credential of type $type is made, and never shows its values', async (values) => {
  const { status, body, text } = await harness().call('createCredential', {
    json: { name: freshName(), values },
  });
  expect({ status, type: body.data.type }).toEqual({ status: 201, type: values.type });
  const read = await harness().call('getCredential', { path: { credential_id: body.data.id } });
  expect(text + read.text).not.toContain('confidential');
});

test('lists go by name, type and state', async () => {
  const { credentials } = harness().sdk();
  const b = await credentials.create({ name: 'list b', values: { type: 'bearer', token: 'token' } });
  await credentials.create({ name: 'list a', values: { type: 'custom', headers: { 'X-A': 'value' } } });
  const names = async (query: Parameters<typeof credentials.list>[0]): Promise<string[]> =>
    (await credentials.list({ per_page: 100, ...query })).data
      .map(({ name }) => name)
      .filter((name) => name.startsWith('list'));
  expect(await names({})).toEqual(['list a', 'list b']);
  expect(await names({ type: 'bearer' })).toEqual(['list b']);
  expect(await names({ status: 'expired' })).toEqual([]);
  expect(await names({ status: 'active' })).toEqual(['list a', 'list b']);
  const changed = await credentials.update(b.id, {
    name: 'list c',
    values: { type: 'api_key', key: 'a key' },
    expires_at: '2099-01-01T00:00:00Z',
  });
  expect(changed).toMatchObject({ name: 'list c', type: 'api_key', expires_at: '2099-01-01T00:00:00.000Z' });
  await credentials.delete(b.id);
  await harness().refused('getCredential', { path: { credential_id: b.id } }, 404, 'resource_not_found');
});

test('409: a name is there once, also by renaming', async () => {
  const values = { type: 'bearer', token: 'token' };
  const [a, b] = [await credential(harness(), values), await credential(harness(), values)];
  await harness().refused('createCredential', { json: { name: a.name, values } }, 409, 'credential_name_taken');
  const path = { credential_id: b.id };
  await harness().refused('updateCredential', { path, json: { name: a.name } }, 409, 'credential_name_taken');
});

test.each([
  [{ type: 'basic', username: 'a:b', password: 'long enough' }, 'values.username'],
  [{ type: 'basic', username: 'abc', password: '' }, 'values.username'],
  [{ type: 'smtp', host: 'mail.example', username: 'a' }, 'values.password'],
  [{ type: 'oauth2', token_url: 'file:///etc', client_id: 'a', client_secret: 'abcd' }, 'values.token_url'],
  [
    { type: 'oauth2', token_url: 'https://a.example:99999/', client_id: 'a', client_secret: 'abcd' },
    'values.token_url',
  ],
  [{ type: 'oauth2', token_url: 'http://0x7f.1/', client_id: 'a', client_secret: 'abcd' }, 'values.token_url'],
  [{ type: 'smtp', host: '::ffff:10.0.0.1' }, 'values.host'],
  [{ type: 'smtp', host: 'localhost' }, 'values.host'],
])('400: %j', async (values, field) => {
  const { body } = await harness().refused(
    'createCredential',
    { json: { name: 'x', values } },
    400,
    'validation_error',
  );
  expect(body.error.details.errors).toMatchObject([{ field, location: 'body' }]);
});

test('400: values of no type', async () => {
  const json = { name: 'x', values: { type: 'carrier_pigeon' } };
  await harness().refused('createCredential', { json }, 400, 'validation_error');
});

describe('deleting one that workflows use', () => {
  const values = { type: 'bearer', token: 'token' };
  const naming = (name: string): unknown => ({
    nodes: [{ id: 'call', type: 'http.request', params: { url: 'https://a.example', auth: { credential: name } } }],
    edges: [],
  });

  test('409: a draft or a published version names it', async () => {
    const { id, name } = await credential(harness(), values);
    const path = { credential_id: id };
    const draft = await draftWorkflow(harness(), naming(name), 'A draft');
    const published = await publishedWorkflow(harness(), naming(name), 'Published');
    await harness().call('updateWorkflow', { path: { workflow_id: published }, json: { definition: QUICK } });
    const refused = await harness().refused('deleteCredential', { path }, 409, 'credential_in_use');
    const workflows = [
      { id: draft, name: 'A draft' },
      { id: published, name: 'Published' },
    ];
    expect(refused.body.error.details).toEqual({ name, workflows, workflow_count: 2 });
    expect((await harness().call('deleteCredential', { path, query: { force: 'true' } })).status).toBe(204);
    await harness().refused('deleteCredential', { path }, 404, 'resource_not_found');
  });

  test("another organisation's cannot be deleted, nor does it say what uses it", async () => {
    const { id, name } = await credential(harness(), values);
    await draftWorkflow(harness(), naming(name));
    const { apiKey } = await harness().server.createOrganisation();
    const path = { credential_id: id };
    await harness().refused('deleteCredential', { path, apiKey }, 404, 'resource_not_found');
    const query = { force: 'true' };
    await harness().refused('deleteCredential', { path, query, apiKey }, 404, 'resource_not_found');
  });
});
