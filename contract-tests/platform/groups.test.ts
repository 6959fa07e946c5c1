import { expect, test } from '@jest/globals';
import { useContractHarness } from '../harness/contract-harness.ts';
import { group } from '../harness/resources.ts';

const harness = useContractHarness();

const names = async (): Promise<string[]> => {
  const page = await harness().sdk().groups.list({ per_page: 100 });
  return page.data.map(({ name }) => name);
};

test('groups keep the order that people give them', async () => {
  const { groups } = harness().sdk();
  const a = await groups.create({ name: 'a' });
  await groups.create({ name: 'c' });
  const b = await groups.create({ name: 'b', position: 1 });
  expect(await names()).toEqual(['a', 'b', 'c']);
  expect(await groups.update(a.id, { position: 400 })).toMatchObject({ position: 2 });
  expect(await names()).toEqual(['b', 'c', 'a']);
  await groups.delete(b.id);
  expect(await names()).toEqual(['c', 'a']);
  expect(await groups.get(a.id)).toMatchObject({ position: 1, workflow_count: 0 });
});

test('groups that are made at the same moment all get a place of their own', async () => {
  const created = await Promise.all(
    Array.from({ length: 5 }, (_, index) => harness().call('createGroup', { json: { name: `at once ${index}` } })),
  );
  expect(new Set(created.map(({ body }) => body.data.position)).size).toBe(5);
});

test('a group holds workflows; those survive it', async () => {
  const { groups, workflows } = harness().sdk();
  const { id } = await groups.create({ name: 'holds', description: 'Two of them' });
  const inside = await workflows.create({ name: 'inside', group_id: id });
  const moved = await workflows.create({ name: 'moved' });
  expect(inside.group_id).toBe(id);
  expect((await workflows.update(moved.id, { group_id: id })).group_id).toBe(id);
  const listed = await workflows.list({ group_id: id, sort: 'name' });
  expect(listed.data.map(({ name }) => name)).toEqual(['inside', 'moved']);
  expect((await groups.get(id)).workflow_count).toBe(2);
  expect((await workflows.update(moved.id, { group_id: null })).group_id).toBeNull();
  await groups.delete(id);
  expect((await workflows.get(inside.id)).group_id).toBeNull();
});

test('a group that is deleted while workflows are put into it takes none of them along', async () => {
  const { groups, workflows } = harness().sdk();
  const { id } = await groups.create({ name: 'going' });
  const moved = await workflows.create({ name: 'moved' });
  const json = { name: 'put', group_id: id };
  const answers = await Promise.all([
    ...Array.from({ length: 4 }, () => harness().call('createWorkflow', { json })),
    harness().call('updateWorkflow', { path: { workflow_id: moved.id }, json: { group_id: id } }),
    harness().call('deleteGroup', { path: { group_id: id } }),
    ...Array.from({ length: 4 }, () => harness().call('createWorkflow', { json })),
  ]);
  expect(answers.map(({ status }) => status).filter((status) => ![200, 201, 204, 400].includes(status))).toEqual([]);
  expect(await harness().server.sql(`select 1 from workflow where group_id = '${id}'`)).toEqual([]);
});

test('400: a workflow cannot be put into a group that is not there', async () => {
  const { body } = await harness().refused(
    'createWorkflow',
    { json: { name: 'lost', group_id: 'grp_01kaq4c2m8e3s4t5v6w7x8y9z0' } },
    400,
    'validation_error',
  );
  expect(body.error.details.errors[0]).toMatchObject({ field: 'group_id', location: 'body' });
});

test("another organisation's group is not there, to read or to put a workflow into", async () => {
  const id = await group(harness());
  const { apiKey } = await harness().server.createOrganisation();
  await harness().refused('getGroup', { path: { group_id: id }, apiKey }, 404, 'resource_not_found');
  await harness().refused('createWorkflow', { json: { name: 'x', group_id: id }, apiKey }, 400, 'validation_error');
});
