import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { EntityManager } from '@mikro-orm/postgresql';
import { createTestDatabase, type TestDatabase } from '../../../test/database.ts';
import { RecordedLoops } from '../../../test/recorded-loops.ts';
import { QuickJsSandbox } from '../../platform/sandbox/quickjs-sandbox.ts';
import type { Caller } from '../caller.ts';
import type { Json } from '../domain-error.ts';
import { DomainEvents } from '../event/domain-events.ts';
import { testNodeTypes } from '../nodes/testing/node-services.ts';
import { Organisation } from '../organisation/organisation.entity.ts';
import { GroupService } from '../group/group.service.ts';
import { newId } from '../id.ts';
import { WorkflowVersion } from './workflow-version.entity.ts';
import { Workflow } from './workflow.entity.ts';
import { MasterKeySealer } from '../../platform/crypto/master-key-sealer.ts';
import { Vault } from '../vault/vault.ts';
import { WorkflowService } from './workflow.service.ts';
import { StorageQuota } from '../storage/storage-quota.ts';

let database: TestDatabase;
let events: DomainEvents;
const sandbox = new QuickJsSandbox();
const sealer = new MasterKeySealer([{ id: 'test', key: Buffer.alloc(32, 7) }]);
const nodeTypes = testNodeTypes();

beforeAll(async () => {
  database = await createTestDatabase();
  events = new DomainEvents(database.orm, new RecordedLoops());
});
afterAll(async () => {
  await sandbox.stop();
  await database.drop();
});

/** As in a request: a fresh identity map for each use case. */
const use = <T>(work: (service: WorkflowService, em: EntityManager) => Promise<T>): Promise<T> => {
  const em = database.orm.em.fork();
  return work(
    new WorkflowService(
      em,
      nodeTypes,
      sandbox,
      events,
      new GroupService(em),
      new Vault(database.orm, sealer),
      new StorageQuota(database.orm),
    ),
    em,
  );
};

async function tenant(): Promise<Caller> {
  const em = database.orm.em.fork();
  const id = newId('org');
  em.create(Organisation, { id, name: 'Acme', plan: 'pro' });
  await em.flush();
  return { organisationId: id, scopes: [] };
}

const definition = (message = 'hi'): Json => ({ nodes: [{ id: 'say', type: 'log', params: { message } }], edges: [] });

let caller: Caller;
beforeEach(async () => {
  caller = await tenant();
});

const create = (name = 'Greeter', more: object = {}): Promise<Workflow> =>
  use((service) => service.create(caller, { name, definition: definition(), ...more }));
const update = (id: string, change: object): Promise<Workflow> => use((service) => service.update(caller, id, change));
const publish = async (id: string): Promise<Workflow> => {
  await use((service) => service.publish(caller, id));
  return get(id);
};
const get = (id: string): Promise<Workflow> => use((service) => service.get(caller.organisationId, id));
const published = (id: string): Promise<unknown> => use((service) => service.getPublished(caller.organisationId, id));

test('a new workflow is a draft at revision 1', async () => {
  const { id } = await create('Greeter', { description: 'Says hi.', tags: ['a', 'b'] });
  expect(id).toMatch(/^wf_/);
  expect(await get(id)).toMatchObject({
    name: 'Greeter',
    description: 'Says hi.',
    tags: ['a', 'b'],
    status: 'draft',
    revision: 1,
    nodeCount: 1,
    hasUnpublishedChanges: true,
    definition: definition(),
  });
});

test('a draft may be invalid, but not malformed', async () => {
  expect(
    await create('x', { definition: { nodes: [{ id: 'BAD', type: 'none', params: {} }], edges: [] } }),
  ).toMatchObject({ status: 'draft' });
  await expect(create('x', { definition: { nodes: [{ id: 'a' }], edges: [{}] } })).rejects.toMatchObject({
    code: 'validation_error',
    details: {
      errors: expect.arrayContaining([
        expect.objectContaining({ field: 'definition.nodes[0].type', location: 'body' }),
        expect.objectContaining({ field: 'definition.edges[0].from' }),
      ]),
    },
  });
  await expect(create('a\0b')).rejects.toMatchObject({ code: 'validation_error' });
  expect(await create('empty', { definition: undefined })).toMatchObject({ nodeCount: 0 });
});

test('an update changes what is given and counts the revision', async () => {
  const { id } = await create('old', { tags: ['keep'] });
  await update(id, { name: 'new' });
  await update(id, { description: 'd', definition: definition('other') });
  expect(await get(id)).toMatchObject({
    name: 'new',
    description: 'd',
    tags: ['keep'],
    revision: 3,
    definition: definition('other'),
  });
  await update(id, { description: null, tags: [] });
  expect(await get(id)).toMatchObject({ description: null, tags: [] });
});

test('an update from another revision is refused', async () => {
  const { id } = await create();
  await update(id, { name: 'first', revision: 1 });
  await expect(update(id, { name: 'second', revision: 1 })).rejects.toMatchObject({
    code: 'revision_conflict',
    details: { revision: 2 },
  });
});

test('of two simultaneous updates from one revision, one wins', async () => {
  const { id } = await create();
  const results = await Promise.allSettled(['a', 'b', 'c', 'd'].map((name) => update(id, { name, revision: 1 })));
  expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  expect(await get(id)).toMatchObject({ revision: 2 });
});

describe('publishing', () => {
  test('makes a version that later changes leave alone', async () => {
    const { id } = await create();
    expect(await publish(id)).toMatchObject({
      status: 'published',
      publishedVersion: 1,
      hasUnpublishedChanges: false,
      revision: 2,
    });
    await update(id, { definition: definition('changed') });
    expect(await get(id)).toMatchObject({ status: 'published', hasUnpublishedChanges: true });
    expect(await published(id)).toMatchObject({ version: 1, definition: definition() });
    await publish(id);
    expect(await published(id)).toMatchObject({ version: 2, definition: definition('changed') });
    const { items, total } = await use((service) =>
      service.versions(caller.organisationId, id, { page: 1, perPage: 10 }),
    );
    expect([total, items.map(({ version, nodeCount }) => [version, nodeCount])]).toEqual([
      2,
      [
        [2, 1],
        [1, 1],
      ],
    ]);
    expect(await use((service) => service.version(caller.organisationId, id, 1))).toMatchObject({
      definition: definition(),
      changelog: null,
    });
  });

  test('lists every problem of the draft and publishes nothing', async () => {
    const { id } = await create('x', { definition: { nodes: [{ id: 'BAD', type: 'none', params: {} }], edges: [] } });
    await expect(publish(id)).rejects.toMatchObject({
      code: 'validation_error',
      details: {
        errors: [
          expect.objectContaining({ field: 'definition.nodes[0].id' }),
          expect.objectContaining({ field: 'definition.nodes[0].type' }),
        ],
      },
    });
    expect(await get(id)).toMatchObject({ status: 'draft', publishedVersion: null, revision: 1 });
    await expect(published(id)).rejects.toMatchObject({ code: 'workflow_not_published' });
  });

  test('an unchanged draft is refused', async () => {
    const { id } = await create();
    await publish(id);
    await expect(publish(id)).rejects.toMatchObject({ code: 'workflow_already_published', details: { version: 1 } });
    await update(id, { name: 'only the name' });
    await expect(publish(id)).rejects.toMatchObject({ code: 'workflow_already_published' });
  });

  test('twice at once makes one version', async () => {
    const { id } = await create();
    const results = await Promise.allSettled([publish(id), publish(id), publish(id)]);
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await get(id)).toMatchObject({ publishedVersion: 1 });
  });
});

describe('status', () => {
  const status = async (id: string, wanted: string): Promise<string> =>
    update(id, { status: wanted }).then(
      (workflow) => workflow.status,
      (error: { code: string }) => error.code,
    );

  test.each<[path: string[], want: string[]]>([
    [['paused'], ['workflow_status_conflict']],
    [['published'], ['workflow_status_conflict']],
    [
      ['archived', 'paused', 'published', 'draft'],
      ['archived', 'workflow_status_conflict', 'workflow_status_conflict', 'draft'],
    ],
    [
      ['archived', 'archived'],
      ['archived', 'workflow_archived'],
    ],
    [
      ['PUBLISH', 'paused', 'published', 'archived', 'draft', 'published', 'draft'],
      ['', 'paused', 'published', 'archived', 'workflow_status_conflict', 'published', 'workflow_status_conflict'],
    ],
    [['draft'], ['draft']],
  ])('%j leads to %j', async (path, want) => {
    const { id } = await create();
    for (const [index, wanted] of path.entries()) {
      if (wanted === 'PUBLISH') await publish(id);
      else expect(await status(id, wanted)).toBe(want[index]);
    }
  });

  test('paused and archived workflows are not executed; archived ones not changed', async () => {
    const { id } = await create();
    await publish(id);
    await update(id, { status: 'paused' });
    await expect(published(id)).rejects.toMatchObject({ code: 'workflow_paused' });
    await update(id, { definition: definition('while paused') });
    expect(await publish(id)).toMatchObject({ status: 'paused', publishedVersion: 2 });
    await update(id, { status: 'archived' });
    await expect(published(id)).rejects.toMatchObject({ code: 'workflow_archived' });
    await expect(update(id, { name: 'x' })).rejects.toMatchObject({ code: 'workflow_archived' });
    await expect(update(id, { name: 'x', status: 'published' })).rejects.toMatchObject({ code: 'workflow_archived' });
    await expect(publish(id)).rejects.toMatchObject({ code: 'workflow_archived' });
  });
});

describe('lists', () => {
  const names = async (query: object): Promise<string[]> => {
    const { items } = await use((service) =>
      service.list(caller.organisationId, { sort: 'name', page: 1, perPage: 100, ...query }),
    );
    return items.map(({ name }) => name);
  };

  beforeEach(async () => {
    await create('Alpha 100%', { tags: ['x'] });
    await create('beta', { tags: ['x', 'y'], description: 'about ALPHA_1' });
    const { id } = await create('Gamma', { tags: [] });
    await publish(id);
  });

  test.each<[query: object, want: string[]]>([
    [{}, ['Alpha 100%', 'Gamma', 'beta']],
    [{ sort: '-name' }, ['beta', 'Gamma', 'Alpha 100%']],
    [{ sort: 'created_at' }, ['Alpha 100%', 'beta', 'Gamma']],
    [{ sort: '-updated_at' }, ['Gamma', 'beta', 'Alpha 100%']],
    [{ status: ['draft'] }, ['Alpha 100%', 'beta']],
    [{ status: ['published', 'paused'] }, ['Gamma']],
    [{ tag: 'x' }, ['Alpha 100%', 'beta']],
    [{ tag: 'y' }, ['beta']],
    [{ tag: 'x,y' }, []],
    [{ search: 'alpha' }, ['Alpha 100%', 'beta']],
    [{ search: '0%' }, ['Alpha 100%']],
    [{ search: '%' }, ['Alpha 100%']],
    [{ search: 'a_1' }, ['beta']],
    [{ search: '\\' }, []],
    [{ search: '\0' }, []],
    [{ tag: '\0' }, []],
    [{ page: 2, perPage: 2 }, ['beta']],
    [{ page: 3, perPage: 2 }, []],
  ])('%j: %j', async (query, want) => {
    expect(await names(query)).toEqual(want);
  });

  test('leave out the definitions', async () => {
    const { items, total } = await use((service) =>
      service.list(caller.organisationId, { sort: 'name', page: 1, perPage: 1 }),
    );
    expect(total).toBe(3);
    expect(items[0]).toMatchObject({ nodeCount: 1 });
    expect((items[0] as Workflow).definition).toBeUndefined();
  });
});

test('another organisation sees nothing of it', async () => {
  const { id } = await create();
  await publish(id);
  const other = await tenant();
  const attempts: ((service: WorkflowService) => Promise<unknown>)[] = [
    (service) => service.get(other.organisationId, id),
    (service) => service.update(other, id, { name: 'mine' }),
    (service) => service.delete(other.organisationId, id),
    (service) => service.publish(other, id),
    (service) => service.versions(other.organisationId, id, { page: 1, perPage: 10 }),
    (service) => service.version(other.organisationId, id, 1),
    (service) => service.getPublished(other.organisationId, id),
    (service) => service.export(other.organisationId, id),
    (service) => service.export(other.organisationId, id, 1),
  ];
  for (const attempt of attempts)
    await expect(use(attempt)).rejects.toMatchObject({ code: 'resource_not_found', details: { id } });
  expect(await use((service) => service.list(other.organisationId, { sort: 'name', page: 1, perPage: 10 }))).toEqual({
    items: [],
    total: 0,
  });
  expect(await get(id)).toMatchObject({ name: 'Greeter' });
});

test('deleting removes the versions, too', async () => {
  const { id } = await create();
  await publish(id);
  await use((service) => service.delete(caller.organisationId, id));
  await expect(get(id)).rejects.toMatchObject({ code: 'resource_not_found' });
  expect(await use((_, em) => em.count(WorkflowVersion, { workflowId: id }))).toBe(0);
});

test('a version that is not there', async () => {
  const { id } = await create();
  await expect(get('wf_\0')).rejects.toMatchObject({ code: 'resource_not_found' });
  await expect(use((service) => service.version(caller.organisationId, id, 7))).rejects.toMatchObject({
    code: 'resource_not_found',
    details: { resource: 'workflow_version', id: '7' },
  });
});

describe('import and export', () => {
  test('a workflow goes out as YAML and comes back as it was', async () => {
    const given = {
      nodes: [
        { id: 'say', type: 'log', params: { message: 'Hi {{ input.name }}' } },
        { id: 'end', type: 'respond', params: { body: '{{ input }}' } },
      ],
      edges: [{ id: 'e1', from: 'say', to: 'end', port: 'default' }],
    };
    const { id } = await create('Out and in', { description: 'd', tags: ['t'], definition: given });
    const text = await use(async (service) => service.toYaml(await service.export(caller.organisationId, id)));
    expect(text).toContain('message: Hi ${ input.name }');
    const imported = await use((service) => service.import(caller, text));
    expect(await get(imported.id)).toMatchObject({
      name: 'Out and in',
      description: 'd',
      tags: ['t'],
      status: 'draft',
      definition: given,
    });
  });

  test('as JSON, and of a version', async () => {
    const { id } = await create();
    await publish(id);
    await update(id, { definition: definition('later') });
    expect(await use((service) => service.export(caller.organisationId, id, 1))).toMatchObject({
      definition: definition(),
    });
    const document = await use((service) => service.export(caller.organisationId, id));
    expect(document).toEqual({ name: 'Greeter', description: null, tags: [], definition: definition('later') });
    const imported = await use((service) => service.import(caller, document as unknown as Json));
    expect(await get(imported.id)).toMatchObject({ definition: definition('later') });
  });

  test('text that is no workflow', async () => {
    await expect(use((service) => service.import(caller, 'a: ['))).rejects.toMatchObject({
      code: 'validation_error',
      details: { errors: [expect.objectContaining({ field: 'line 1, column 5' })] },
    });
    await expect(
      use((service) => service.import(caller, { name: 'x', definition: { nodes: 1 } })),
    ).rejects.toMatchObject({
      code: 'validation_error',
      details: { errors: [expect.objectContaining({ field: 'definition.nodes' })] },
    });
  });
});

test('validation lists problems without storing anything', async () => {
  const { problems } = await use((service) =>
    service.validate(newId('org'), { nodes: [{ id: 'a', type: 'http.request', params: {} }], edges: [] }),
  );
  expect(problems).toMatchObject([
    { code: 'invalid_params', node: 'a', field: 'nodes[0].params.url', hint: 'Add "url".' },
  ]);
});

describe('calls of other workflows', () => {
  const calling = (...ids: string[]): Json => ({
    nodes: ids.map((workflow_id, index) => ({ id: `call_${index}`, type: 'workflow.call', params: { workflow_id } })),
    edges: [],
  });
  const found = async (definitionOf: Json): Promise<unknown[]> => {
    const { problems, warnings } = await use((service) => service.validate(caller.organisationId, definitionOf));
    return [problems, warnings].map((list) => list.map(({ code, node, field }) => `${code} ${node} ${field}`));
  };

  test('a workflow that is not there, or another organisation has, keeps the caller from being published', async () => {
    const gone = newId('wf');
    const mine = caller;
    caller = await tenant();
    const { id: foreign } = await create();
    await publish(foreign);
    caller = mine;
    const { id } = await create('Caller', { definition: calling(gone, foreign) });
    await expect(publish(id)).rejects.toMatchObject({
      code: 'validation_error',
      details: {
        errors: [
          {
            node_id: 'call_0',
            field: 'definition.nodes[0].params.workflow_id',
            message: expect.stringContaining(`the workflow ${gone}, and there is none`),
            hint: 'Create the workflow, or name another.',
          },
          { node_id: 'call_1', field: 'definition.nodes[1].params.workflow_id' },
        ],
      },
    });
    expect(await get(id)).toMatchObject({ status: 'draft', publishedVersion: null });
  });

  test('in a body, too', async () => {
    const foreach = {
      nodes: [{ id: 'each', type: 'foreach', params: { items: [1], body: calling(newId('wf')) } }],
      edges: [],
    };
    const field = 'nodes[0].params.body.nodes[0].params.workflow_id';
    expect(await found(foreach)).toEqual([[`unknown_workflow call_0 ${field}`], []]);
  });

  test('one that is not published is a warning; a published one, itself and what an expression names are none', async () => {
    const draft = await create('Draft');
    const good = await publish((await create('Good')).id);
    const paused = await publish((await create('Paused')).id);
    await update(paused.id, { status: 'paused' });
    const { id } = await create('Caller');
    const definitionOf = calling(draft.id, good.id, paused.id, id, '{{ input.workflow }}');
    await update(id, { definition: definitionOf });
    await publish(id);
    expect(await found(definitionOf)).toEqual([
      [],
      [
        'workflow_not_published call_0 nodes[0].params.workflow_id',
        'workflow_not_published call_2 nodes[2].params.workflow_id',
      ],
    ]);
  });
});
