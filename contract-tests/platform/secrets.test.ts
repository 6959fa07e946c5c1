import { describe, expect, test } from '@jest/globals';
import { useContractHarness } from '../harness/contract-harness.ts';
import { draftWorkflow, publishedWorkflow, QUICK, secret } from '../harness/resources.ts';

const harness = useContractHarness();

test('a secret is made, listed by name, changed and deleted, and never shows its value', async () => {
  const { secrets } = harness().sdk();
  const made = await secrets.create({ name: 'ZULU', value: 'the value of zulu', tags: ['last'] });
  await secrets.create({ name: 'ALPHA', value: 'the value of alpha', expires_at: '2099-01-01T00:00:00Z' });
  expect(made).toMatchObject({ name: 'ZULU', status: 'active', version: 1, expires_at: null, last_used_at: null });
  const listed = await secrets.list();
  expect(listed.data.map(({ name }) => name)).toEqual(['ALPHA', 'ZULU']);
  expect((await secrets.list({ tag: 'last' })).data.map(({ name }) => name)).toEqual(['ZULU']);
  const described = await secrets.update('ZULU', { description: 'The last', tags: [] });
  expect(described).toMatchObject({ description: 'The last', tags: [], version: 1 });
  expect(await secrets.update('ZULU', { value: 'another value' })).toMatchObject({ version: 2, id: made.id });
  expect(JSON.stringify([await secrets.get('ZULU'), await secrets.list(), made])).not.toContain('value of');
  await secrets.delete('ZULU');
  await harness().refused('getSecret', { path: { secret_name: 'ZULU' } }, 404, 'resource_not_found');
});

test('409: a name is there once', async () => {
  const name = await secret(harness());
  await harness().refused('createSecret', { json: { name, value: 'other' } }, 409, 'secret_name_taken');
});

test('of many that make one name at once exactly one does', async () => {
  const answers = await Promise.all(
    Array.from({ length: 5 }, () => harness().call('createSecret', { json: { name: 'AT_ONCE', value: 'some' } })),
  );
  expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409, 409]);
});

test.each([
  ['a name that no expression can say', { name: 'not-a-name', value: 'some' }, 'name'],
  ['a value too short to be found again', { name: 'SHORT', value: 'abc' }, 'value'],
  ['an expiry in the past', { name: 'PAST', value: 'some', expires_at: '2020-01-01T00:00:00Z' }, 'expires_at'],
  ['half a surrogate pair', { name: 'HALF', value: 'some\ud800' }, 'value'],
])('400: %s', async (_, json, field) => {
  const { body } = await harness().refused('createSecret', { json }, 400, 'validation_error');
  expect(body.error.details.errors).toMatchObject([{ field, location: 'body' }]);
});

test("another organisation's secret is not there, and its name is free", async () => {
  const name = await secret(harness());
  const { apiKey } = await harness().server.createOrganisation();
  await harness().refused('getSecret', { path: { secret_name: name }, apiKey }, 404, 'resource_not_found');
  expect((await harness().call('createSecret', { json: { name, value: 'their own' }, apiKey })).status).toBe(201);
  expect((await harness().call('listSecrets', { apiKey })).body.pagination.total_count).toBe(1);
});

describe('deleting one that workflows use', () => {
  const reading = (name: string): unknown => ({
    nodes: [
      {
        id: 'each',
        type: 'foreach',
        params: {
          items: [1],
          body: {
            nodes: [
              {
                id: 'call',
                type: 'http.request',
                params: { url: 'https://shop.example', headers: { 'X-Key': `Key {{ secrets.${name} }}` } },
              },
            ],
            edges: [],
          },
        },
      },
    ],
    edges: [],
  });
  const text = (name: string): unknown => ({
    nodes: [{ id: 'say', type: 'log', params: { message: `secrets.${name}` } }],
    edges: [],
  });
  const remove = (name: string, force?: boolean): ReturnType<ReturnType<typeof harness>['call']> =>
    harness().call('deleteSecret', { path: { secret_name: name }, ...(force && { query: { force: 'true' } }) });
  const refused = async (name: string): Promise<unknown> => {
    const path = { secret_name: name };
    return (await harness().refused('deleteSecret', { path }, 409, 'secret_in_use')).body.error.details;
  };

  test('409: a draft reads it; a workflow that only has its name in a text counts for nothing', async () => {
    const name = await secret(harness());
    await draftWorkflow(harness(), text(name));
    const id = await draftWorkflow(harness(), reading(name), 'Orders');
    expect(await refused(name)).toEqual({ name, workflows: [{ id, name: 'Orders' }], workflow_count: 1 });
    expect((await harness().call('getSecret', { path: { secret_name: name } })).status).toBe(200);
    await harness().call('deleteWorkflow', { path: { workflow_id: id } });
    expect((await remove(name)).status).toBe(204);
  });

  test('409: the published version reads it, and the draft no longer does; in the archive it counts for nothing', async () => {
    const name = await secret(harness());
    const id = await publishedWorkflow(harness(), reading(name), 'Orders');
    const path = { workflow_id: id };
    await harness().call('updateWorkflow', { path, json: { definition: QUICK } });
    expect(await refused(name)).toEqual({ name, workflows: [{ id, name: 'Orders' }], workflow_count: 1 });
    await harness().call('updateWorkflow', { path, json: { status: 'paused' } });
    expect(await refused(name)).toMatchObject({ workflow_count: 1 });
    await harness().call('updateWorkflow', { path, json: { status: 'archived' } });
    expect((await remove(name)).status).toBe(204);
  });

  test('with force it goes all the same', async () => {
    const name = await secret(harness());
    await publishedWorkflow(harness(), reading(name));
    expect((await remove(name, true)).status).toBe(204);
    await harness().refused('getSecret', { path: { secret_name: name } }, 404, 'resource_not_found');
    await harness().refused('deleteSecret', { path: { secret_name: name } }, 404, 'resource_not_found');
  });

  test('of many workflows twenty are told, by name', async () => {
    const name = await secret(harness());
    for (let index = 0; index < 21; index++)
      await draftWorkflow(harness(), reading(name), `Many ${String(20 - index).padStart(2, '0')}`);
    const { workflows, workflow_count: count } = (await refused(name)) as {
      workflows: { name: string }[];
      workflow_count: number;
    };
    expect(count).toBe(21);
    expect(workflows.map((each) => each.name)).toEqual(
      Array.from({ length: 20 }, (_, index) => `Many ${String(index).padStart(2, '0')}`),
    );
  });

  test("another organisation's workflows neither keep it nor show", async () => {
    const name = await secret(harness());
    const { apiKey } = await harness().server.createOrganisation();
    await harness().call('createSecret', { json: { name, value: 'their own' }, apiKey });
    await harness().call('createWorkflow', { json: { name: 'Theirs', definition: reading(name) }, apiKey });
    expect((await remove(name)).status).toBe(204);
  });
});
