import { expect, test } from '@jest/globals';
import { useContractHarness } from '../harness/contract-harness.ts';
import { draftWorkflow, group, publishedWorkflow, stored } from '../harness/resources.ts';

const harness = useContractHarness();

test.each([null, false, 0, '', 'text', [1, { a: null }], { nested: { list: [] } }])(
  '%j is stored and comes back',
  async (value) => {
    const key = await stored(harness(), value);
    expect((await harness().sdk().kv.get(key)).value).toEqual(value);
  },
);

test('an entry counts its versions and is replaced only from the one that was read', async () => {
  const { kv } = harness().sdk();
  expect(await kv.set('counted', { value: 'a', if_version: 0 })).toMatchObject({ version: 1, size: 3, scope_id: null });
  expect(await kv.set('counted', { value: 'b', if_version: 1 })).toMatchObject({ version: 2 });
  const path = { key: 'counted' };
  const { body } = await harness().refused(
    'setKvEntry',
    { path, json: { value: 'c', if_version: 1 } },
    409,
    'kv_version_conflict',
  );
  expect(body.error.details).toEqual({ key: 'counted', version: 2 });
  await harness().refused('deleteKvEntry', { path, query: { if_version: 1 } }, 409, 'kv_version_conflict');
  await kv.delete('counted', { if_version: 2 });
  await harness().refused('getKvEntry', { path }, 404, 'resource_not_found');
});

test('of many that replace one version at once exactly one does', async () => {
  const answers = await Promise.all(
    Array.from({ length: 8 }, (_, value) =>
      harness().call('setKvEntry', { path: { key: 'at_once' }, json: { value, if_version: 0 } }),
    ),
  );
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
});

test('of many that append at once none is lost, and a list can keep its last items only', async () => {
  const { kv } = harness().sdk();
  await Promise.all(Array.from({ length: 8 }, (_, item) => kv.append('list', { item })));
  const { value } = await kv.get('list');
  expect([...(value as number[])].sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  expect((await kv.append('list', { item: 8, max_items: 2 })).value).toEqual([(value as number[])[7], 8]);
});

test('409: only a list can be appended to', async () => {
  const path = { key: await stored(harness(), 'text') };
  await harness().refused('appendToKvEntry', { path, json: { item: 1 } }, 409, 'kv_not_a_list');
});

test('an entry whose time is over is gone', async () => {
  const { kv } = harness().sdk();
  const { expires_at: end } = await kv.set('brief', { value: 'once', ttl: 3600 });
  expect(Date.parse(end!)).toBeGreaterThan(Date.now());
  await harness().server.sql(`update kv_entry set expires_at = now() where key = 'brief'`);
  await harness().refused('getKvEntry', { path: { key: 'brief' } }, 404, 'resource_not_found');
  expect((await kv.list({ prefix: 'brief' })).data).toEqual([]);
  expect(await kv.set('brief', { value: 'again', if_version: 0 })).toMatchObject({ version: 1, expires_at: null });
});

test('each scope has keys of its own, listed by prefix', async () => {
  const { kv } = harness().sdk();
  const groupId = await group(harness());
  const workflowId = await draftWorkflow(harness());
  await kv.set('scoped.a', { value: 'organisation' });
  await kv.set('scoped.a', { value: 'group', scope: 'group', scope_id: groupId });
  await kv.set('scoped.b', { value: 'workflow', scope: 'workflow', scope_id: workflowId });
  expect((await kv.get('scoped.a')).value).toBe('organisation');
  expect(await kv.get('scoped.a', { scope: 'group', scope_id: groupId })).toMatchObject({
    value: 'group',
    scope: 'group',
    scope_id: groupId,
  });
  expect((await kv.list({ prefix: 'scoped.' })).data.map(({ key }) => key)).toEqual(['scoped.a']);
  const listed = await kv.list({ scope: 'workflow', scope_id: workflowId });
  expect(listed.data).toMatchObject([{ key: 'scoped.b', scope: 'workflow', scope_id: workflowId }]);
  await harness().sdk().workflows.delete(workflowId);
  await harness().sdk().groups.delete(groupId);
  expect(await harness().server.sql(`select 1 from kv_entry where scope <> 'organisation'`)).toEqual([]);
});

test.each(['getKvEntry', 'setKvEntry', 'appendToKvEntry', 'deleteKvEntry', 'listKvEntries'])(
  "%s: another organisation's values and places are not there",
  async (operation) => {
    const { apiKey } = await harness().server.createOrganisation();
    const key = await stored(harness(), 'ours');
    if (operation === 'getKvEntry')
      await harness().refused(operation, { path: { key }, apiKey }, 404, 'resource_not_found');
    const query = { scope: 'workflow', scope_id: await draftWorkflow(harness()) };
    const json = { setKvEntry: { value: 1 }, appendToKvEntry: { item: 1 } }[operation];
    if (operation === 'listKvEntries') expect((await harness().call(operation, { apiKey })).body.data).toEqual([]);
    await harness().refused(operation, { path: { key }, query, json, apiKey }, 404, 'resource_not_found');
  },
);

test.each([
  ['a group without its id', { scope: 'group' }, 'query'],
  ['an id for the organisation', { scope_id: 'grp_01kaq4c2m8e3s4t5v6w7x8y9z0' }, 'query'],
])('400: %s', async (_, query, location) => {
  const { body } = await harness().refused('getKvEntry', { path: { key: 'x' }, query }, 400, 'validation_error');
  expect(body.error.details.errors).toMatchObject([{ field: 'scope_id', location }]);
});

test('404: a key of the greatest length', async () => {
  const path = { key: 'k'.repeat(256) };
  const { body } = await harness().refused('getKvEntry', { path }, 404, 'resource_not_found');
  expect(body.error.details.id).toBe(`${'k'.repeat(127)}…`);
});

test('400: a value of more than 256 KiB', async () => {
  const json = { value: 'x'.repeat(262_144) };
  await harness().refused('setKvEntry', { path: { key: 'large' }, json }, 400, 'validation_error');
});

test('workflows keep values between executions, each scope for itself', async () => {
  const nodes = [
    { id: 'read', type: 'kv.get', params: { key: 'count', default: 0 } },
    { id: 'write', type: 'kv.set', params: { key: 'count', value: '{{ steps.read.output.value + 1 }}', ttl: '1h' } },
    {
      id: 'note',
      type: 'kv.append',
      params: { key: 'notes', item: '{{ input.note }}', scope: 'organisation', max_items: 2 },
    },
    { id: 'gone', type: 'kv.delete', params: { key: 'none' } },
    { id: 'grouped', type: 'kv.get', params: { key: 'x', scope: 'group' }, on_error: 'continue' },
    { id: 'stale', type: 'kv.set', params: { key: 'count', value: 0, if_version: 99 }, on_error: 'continue' },
  ];
  const edges = ['write', 'note', 'gone', 'grouped', 'stale'].map((to, index) => ({
    id: `e${index}`,
    from: nodes[index]!.id,
    to,
    port: 'default',
  }));
  const output = {
    count: '{{ steps.read.output.value }}',
    notes: '{{ steps.note.output }}',
    gone: '{{ steps.gone.output }}',
    errors: ['{{ steps.grouped.error.code }}', '{{ steps.stale.error.code }}'],
  };
  const workflow_id = await publishedWorkflow(harness(), { nodes, edges, output });
  const run = async (note: string): Promise<unknown> => {
    const query = { wait: '30s' };
    return (await harness().call('executeWorkflow', { path: { workflow_id }, query, json: { input: { note } } })).body
      .data.output;
  };
  const errors = ['kv_no_group', 'kv_version_conflict'];
  expect(await run('a')).toEqual({ count: 0, notes: { version: 1, length: 1 }, gone: { deleted: false }, errors });
  expect(await run('b')).toMatchObject({ count: 1, notes: { version: 2, length: 2 } });
  expect(await run('c')).toMatchObject({ count: 2, notes: { version: 3, length: 2 } });
  const { kv } = harness().sdk();
  expect((await kv.get('notes')).value).toEqual(['b', 'c']);
  expect(await kv.get('count', { scope: 'workflow', scope_id: workflow_id })).toMatchObject({ value: 3, version: 3 });
});

test('400: a workflow that names a secret or credential that is not there cannot be published', async () => {
  const nodes = [
    {
      id: 'call',
      type: 'http.request',
      params: {
        url: 'https://a.example',
        headers: { A: '{{ secrets.NOT_THERE }}' },
        auth: { credential: 'not there' },
      },
    },
  ];
  const workflow_id = await draftWorkflow(harness(), { nodes, edges: [] });
  const { body } = await harness().refused(
    'publishWorkflow',
    { path: { workflow_id }, json: {} },
    400,
    'validation_error',
  );
  expect(body.error.details.errors.map(({ field }: { field: string }) => field)).toEqual([
    'definition.nodes[0].params.headers.A',
    'definition.nodes[0].params',
  ]);
});

test('404: a path that ends where a key should stand', async () => {
  const response = await fetch(`${harness().server.url}/v1/kv/`);
  expect([response.status, await response.json()]).toMatchObject([404, { error: { code: 'resource_not_found' } }]);
  expect(harness().server.logs.filter(({ level }) => level === 'error')).toEqual([]);
});
