import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '../../../test/database.ts';
import type { Caller } from '../caller.ts';
import { newId } from '../id.ts';
import { Organisation } from '../organisation/organisation.entity.ts';
import { resourceLimits } from '../organisation/plan.ts';
import { scopes } from '../scope.ts';
import { sha256 } from '../secret.ts';
import { Workflow } from '../workflow/workflow.entity.ts';
import type { ChannelRoute, ChannelTool } from './channel-route.ts';
import { Channel, type ChannelContent } from './channel.entity.ts';
import { ChannelService, type NewChannel } from './channel.service.ts';

let database: TestDatabase;
let caller: Caller;
let limited: Caller;
let workflowId: string;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());
beforeEach(async () => {
  caller = await organisation();
  limited = { ...caller, scopes: ['channels:write'] };
  workflowId = await workflow();
});

async function organisation(): Promise<Caller> {
  const id = newId('org');
  const em = database.orm.em.fork();
  em.create(Organisation, { id, name: 'Acme', plan: 'pro' });
  await em.flush();
  return { organisationId: id, apiKeyId: newId('key'), scopes };
}

async function workflow(by = caller): Promise<string> {
  const em = database.orm.em.fork();
  const of = em.getReference(Organisation, by.organisationId);
  const fields = { name: 'W', description: null, tags: [], group: null, definition: { nodes: [], edges: [] } };
  const made = Workflow.create(of, fields);
  await em.persist(made).flush();
  return made.id;
}

/** A service with an EntityManager of its own, as each request has one. */
const channels = (): ChannelService => new ChannelService(database.orm.em.fork());
const route = (more: Partial<ChannelRoute> = {}): ChannelRoute => ({
  method: 'GET',
  path: '/a',
  workflow_id: workflowId,
  response_mode: 'sync',
  timeout_seconds: 30,
  ...more,
});
const tool = (more: Partial<ChannelTool> = {}): ChannelTool => ({
  name: 'a',
  workflow_id: workflowId,
  timeout_seconds: 30,
  ...more,
});
const make = async (more: Partial<NewChannel> = {}): Promise<Channel> =>
  (await channels().create(caller, { name: 'Shop', kind: 'http', ...more })).channel;
const update = ({ id }: Channel, change: Partial<ChannelContent>, by = caller): Promise<Channel> =>
  channels().update(by, id, change);
const stored = ({ id }: Channel): Promise<Channel> => database.orm.em.fork().findOneOrFail(Channel, { id });
const ownSlug = (): string => newId('chan').slice(5);
const unscoped = { code: 'insufficient_scope', details: { missing_scopes: ['workflows:execute'] } };

describe('a new channel', () => {
  test('wants its token, and answers, at an address of its own', async () => {
    const { channel, token } = await channels().create(caller, {
      name: 'Müller & Söhne',
      kind: 'mcp',
      tools: undefined,
    });
    const made = await stored(channel);
    const content = { name: 'Müller & Söhne', description: null, kind: 'mcp', authMode: 'token', enabled: true };
    expect(made).toMatchObject({ ...content, routes: [], tools: [], createdBy: caller.apiKeyId });
    expect(made.slug).toMatch(/^[a-z0-9]+(?:-[a-z0-9]+)*-[0-9a-z]{8}$/);
    expect(token).toMatch(/^fpc_[0-9A-Za-z]{32}$/);
    expect([made.tokenHash, made.tokenPrefix]).toEqual([sha256(token), token.slice(0, 8)]);
    expect([made.admits(token), made.admits(`${token}x`), made.admits(undefined)]).toEqual([true, false, false]);
  });

  test('takes what it is given', async () => {
    const given = { description: 'D', slug: ownSlug(), authMode: 'public', enabled: false, routes: [route()] } as const;
    const made = await stored(await make(given));
    expect(made).toMatchObject(given);
    expect([made.admits(undefined), made.admits('anything')]).toEqual([true, true]);
  });

  test.each<[given: (own: string) => Partial<NewChannel>, field: string]>([
    [() => ({ name: 'a\0' }), 'name'],
    [() => ({ description: '\ud800' }), 'description'],
    [() => ({ routes: [route({ path: '/\0' })] }), 'routes'],
    [() => ({ routes: [route({ workflow_id: newId('wf') })] }), 'routes[0].workflow_id'],
    [() => ({ routes: [route(), route({ path: '/b', workflow_id: 'nonsense' })] }), 'routes[1].workflow_id'],
    [() => ({ tools: [tool()] }), 'tools'],
    [() => ({ routes: [route(), route()] }), 'routes[1].path'],
  ])('%s is refused for its %s, also as a change', async (given, field) => {
    const refused = { code: 'validation_error', details: { errors: [{ field, location: 'body' }] } };
    await expect(make(given(workflowId))).rejects.toMatchObject(refused);
    const channel = await make();
    await expect(update(channel, given(workflowId))).rejects.toMatchObject(refused);
    expect(await stored(channel)).toMatchObject({ name: 'Shop', routes: [], tools: [] });
  });

  test('has workflows of its own organisation', async () => {
    const theirs = await workflow(await organisation());
    await expect(make({ routes: [route({ workflow_id: theirs })] })).rejects.toMatchObject({
      code: 'validation_error',
    });
  });

  test('is one of as many as the plan allows', async () => {
    const { id } = await make();
    await database.orm.em.fork().execute(
      `insert into channel (id, organisation_id, name, kind, slug, auth_mode, token_hash, token_prefix, enabled, routes,
         tools, created_at, updated_at)
       select c.id || n, organisation_id, name, kind, slug || n, auth_mode, token_hash, token_prefix, enabled, routes,
         tools, created_at, updated_at from channel c cross join generate_series(1, ?) n where id = ?`,
      [resourceLimits.pro.channels - 2, id],
    );
    await make();
    await expect(make()).rejects.toMatchObject({ message: 'There are too many channels.' });
  });
});

describe('an address', () => {
  const taken = (slug: string): object => ({ code: 'channel_slug_taken', details: { slug } });

  test('belongs to one channel of all organisations, which keeps it at its own changes', async () => {
    const slug = ownSlug();
    const channel = await make({ slug });
    await update(channel, { slug, name: 'Other' });
    caller = await organisation();
    await expect(make({ slug })).rejects.toMatchObject(taken(slug));
    const other = await make();
    await expect(update(other, { slug })).rejects.toMatchObject(taken(slug));
    await update(other, { name: 'Another' });
  });

  test('that two take at once is given to one of them', async () => {
    const slug = ownSlug();
    const made = await Promise.allSettled([make({ slug }), make({ slug }), make({ slug })]);
    expect(made.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const one of made) if (one.status === 'rejected') expect(one.reason).toMatchObject(taken(slug));
  });

  test('finds the channel while it is enabled, as it is stored now', async () => {
    const channel = await make({ description: 'first' });
    const own = channels();
    expect((await own.findEnabled(channel.slug))!.organisation).toMatchObject({ name: 'Acme', plan: 'pro' });
    await update(channel, { description: null, authMode: 'public' });
    expect(await own.findEnabled(channel.slug)).toMatchObject({ description: null, authMode: 'public' });
    await update(channel, { enabled: false });
    expect(await own.findEnabled(channel.slug)).toBeUndefined();
    for (const slug of ['', 'x\0', 'A', 'a'.repeat(81), 'a'.repeat(80)])
      expect(await own.findEnabled(slug)).toBeUndefined();
  });
});

describe('a change', () => {
  test('changes what is given, lifts what is null, and leaves alone what is absent', async () => {
    const channel = await make({ description: 'first', routes: [route()] });
    const own = channels();
    await own.get(caller.organisationId, channel.id);
    expect(await update(channel, { name: 'Other', routes: undefined })).toMatchObject({
      name: 'Other',
      description: 'first',
      routes: [route()],
      tokenHash: channel.tokenHash,
    });
    await update(channel, { description: null });
    expect(await own.update(caller, channel.id, { routes: [] })).toMatchObject({
      name: 'Other',
      description: null,
      routes: [],
    });
    expect((await stored(channel)).updatedAt.getTime()).toBeGreaterThanOrEqual(channel.updatedAt.getTime());
  });

  test.each<[kind: 'http' | 'mcp', change: () => Partial<ChannelContent>, isRefused: boolean]>([
    ['http', () => ({ enabled: true }), true],
    ['http', () => ({ authMode: 'public' }), true],
    ['http', () => ({ slug: ownSlug() }), true],
    ['http', () => ({ routes: [route()] }), true],
    ['mcp', () => ({ tools: [tool()] }), true],
    ['http', () => ({ enabled: false }), false],
    ['http', () => ({ authMode: 'token' }), false],
    ['http', () => ({ routes: [], tools: [] }), false],
    ['http', () => ({ name: 'Other', description: 'x' }), false],
  ])('of an %s channel by %s needs the right to execute workflows: %s', async (kind, change, isRefused) => {
    const channel = await make({ kind });
    const changing = update(channel, change(), limited);
    await (isRefused ? expect(changing).rejects.toMatchObject(unscoped) : expect(changing).resolves.toBeDefined());
  });

  test('of the token ends the one before; it, and a new channel, need the right to execute workflows', async () => {
    const { channel, token: old } = await channels().create(caller, { name: 'A', kind: 'http' });
    const { token } = await channels().rotateToken(caller, channel.id);
    const after = await stored(channel);
    expect([after.admits(old), after.admits(token), after.tokenPrefix]).toEqual([false, true, token.slice(0, 8)]);
    await expect(channels().rotateToken(limited, channel.id)).rejects.toMatchObject(unscoped);
    await expect(channels().create(limited, { name: 'A', kind: 'http' })).rejects.toMatchObject(unscoped);
  });
});

test('of another organisation, or under what is no id, there is none', async () => {
  const channel = await make();
  const stranger = await organisation();
  for (const [by, id] of [
    [stranger, channel.id],
    [caller, 'x\0'],
  ] as const) {
    const missing = { code: 'resource_not_found', details: { resource: 'channel' } };
    await expect(channels().get(by.organisationId, id)).rejects.toMatchObject(missing);
    await expect(channels().update(by, id, { name: 'x' })).rejects.toMatchObject(missing);
    await expect(channels().rotateToken(by, id)).rejects.toMatchObject(missing);
    await expect(channels().delete(by.organisationId, id)).rejects.toMatchObject(missing);
  }
  await channels().delete(caller.organisationId, channel.id);
  await expect(channels().get(caller.organisationId, channel.id)).rejects.toMatchObject({ code: 'resource_not_found' });
});

test('they are listed newest first, in pages, by kind', async () => {
  const all = [await make(), await make({ kind: 'mcp' }), await make()];
  const list = async (query: object): Promise<unknown> => {
    const { items, total } = await channels().list(caller.organisationId, { page: 1, perPage: 10, ...query });
    return [items.map(({ id }) => all.findIndex((one) => one.id === id)), total];
  };
  expect(await list({})).toEqual([[2, 1, 0], 3]);
  expect(await list({ page: 2, perPage: 2 })).toEqual([[0], 3]);
  expect([await list({ kind: 'mcp' }), await list({ kind: 'http' })]).toEqual([
    [[1], 1],
    [[2, 0], 2],
  ]);
});
