import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startTestServer, type TestServer } from '../../../test/app.ts';

// Every field that a PATCH of the contract may change: with a value, with null, and absent.

type Json = any; // eslint-disable-line typescript/no-explicit-any -- bodies are the contract's, which other tests verify

interface Schema {
  readonly $ref?: string;
  readonly type?: string | string[];
  readonly properties?: Record<string, Schema>;
}

const document: Json = JSON.parse(
  readFileSync(new URL('../../../../generated/platform/openapi.json', import.meta.url), 'utf8'),
);

function resolved(schema: Schema): Schema {
  if (schema.$ref === undefined) return schema;
  return resolved(
    schema.$ref
      .slice(2)
      .split('/')
      .reduce((found, key) => found[key], document),
  );
}

/** The fields of each PATCH, and whether null is a value of theirs. */
const changes: Record<string, { path: string; fields: Record<string, boolean> }> = {};
for (const [path, { patch }] of Object.entries<Json>(document.paths)) {
  if (!patch) continue;
  const { properties = {} } = resolved(patch.requestBody.content['application/json'].schema);
  const fields = Object.entries(properties).map(([name, schema]) => [
    name,
    resolved(schema).type?.includes('null') === true,
  ]);
  changes[patch.operationId] = { path, fields: Object.fromEntries(fields) };
}

/** What a field is changed to, and what else reading shows of the resource then. */
interface Change {
  readonly to: unknown;
  /** Where the field shows as something else, or others change with it. */
  readonly shows?: Record<string, unknown>;
  /** The same for null. */
  readonly cleared?: Record<string, unknown>;
  /** The field without which it cannot be null. */
  readonly needsAnother?: string;
  /** In what the resource differs from the one of the others. */
  readonly of?: Record<string, unknown>;
}

interface Subject {
  /** A resource whose fields all have a value, without what comes with each by itself. */
  readonly make: (given: Json) => Promise<Json>;
  readonly fields: Record<string, Change>;
  /** What changes with every change. */
  readonly moves?: readonly string[];
}

let server: TestServer;
let workflowId: string;
let otherWorkflowId: string;
let groups: string[];
let formIds: string[];
let count = 0;

const later = '2099-01-01T00:00:00.000Z';
const muchLater = '2100-01-01T00:00:00.000Z';

async function ask(method: string, path: string, body?: unknown): Promise<{ status: number; body: Json }> {
  const response = await fetch(`${server.url}${path}`, {
    method,
    headers: { 'x-api-key': server.admin.apiKey, 'content-type': 'application/json' },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: await response.json() };
}

async function make(path: string, given: Json): Promise<Json> {
  const { status, body } = await ask('POST', `/v1${path}`, given);
  expect([status, body.error]).toEqual([201, undefined]);
  return body.data;
}

beforeAll(async () => {
  server = await startTestServer();
  const definition = { nodes: [{ id: 'say', type: 'log', params: { message: 'x' } }], edges: [] };
  const published = async (name: string): Promise<string> => {
    const { id } = await make('/workflows', { name, definition });
    expect((await ask('POST', `/v1/workflows/${id}/publish`, {})).status).toBe(201);
    return id;
  };
  workflowId = await published('One');
  otherWorkflowId = await published('Other');
  groups = [];
  formIds = [];
  for (const name of ['One', 'Other']) {
    groups.push((await make('/groups', { name })).id);
    formIds.push((await make('/forms', { name, fields: [] })).id);
  }
});
afterAll(() => server.close());

const fresh = (): string => `name_${(count += 1)}`;

const subjects: Record<string, Subject> = {
  updateApiKey: {
    make: async (given) =>
      (
        await make('/api-keys', {
          name: 'Key',
          description: 'Before',
          scopes: ['workflows:read'],
          rate_limits: { per_minute: 10, per_day: 100 },
          expires_at: later,
          ...given,
        })
      ).api_key,
    fields: {
      name: { to: 'Other' },
      description: { to: 'After' },
      scopes: { to: ['workflows:write'] },
      bundles: {
        to: ['read-only'],
        shows: { bundles: ['read-only'], scopes: expect.arrayContaining(['workflows:write', 'executions:read']) },
      },
      rate_limits: { to: { per_minute: 20, per_day: null } },
      expires_at: { to: muchLater },
    },
  },
  updateWorkflow: {
    make: (given) =>
      make('/workflows', {
        name: 'Workflow',
        description: 'Before',
        tags: ['before'],
        group_id: groups[0],
        definition: { nodes: [], edges: [] },
        ...given,
      }),
    fields: {
      name: { to: 'Other' },
      description: { to: 'After' },
      tags: { to: ['after', 'more'] },
      group_id: { get to() { return groups[1]; } }, // prettier-ignore
      definition: { to: { nodes: [{ id: 'a', type: 'log', params: { message: 'x' } }], edges: [] } },
      status: { of: {}, to: 'archived' },
      revision: { of: {}, to: 1, shows: {} },
    },
    moves: ['revision'],
  },
  updateGroup: {
    make: (given) => make('/groups', { name: 'Group', description: 'Before', ...given }),
    fields: {
      name: { to: 'Other' },
      description: { to: 'After' },
      position: { to: 0 },
    },
  },
  updateChannel: {
    make: async (given) =>
      (
        await make('/channels', {
          name: 'Channel',
          description: 'Before',
          kind: 'http',
          slug: fresh().replace('_', '-'),
          routes: [{ method: 'GET', path: '/a', workflow_id: workflowId }],
          ...given,
        })
      ).channel,
    fields: {
      name: { to: 'Other' },
      description: { to: 'After' },
      slug: { to: 'moved', shows: { slug: 'moved', path: '/channels/moved' } },
      auth_mode: { to: 'public' },
      enabled: { to: false },
      routes: {
        get to() {
          return [
            { method: 'POST', path: '/b', workflow_id: otherWorkflowId, response_mode: 'sync', timeout_seconds: 5 },
          ];
        },
      },
      tools: {
        of: { kind: 'mcp', routes: undefined },
        get to() {
          return [{ name: 'tool', description: 'Does it', workflow_id: workflowId, timeout_seconds: 5 }];
        },
      },
    },
  },
  updateForm: {
    make: (given) =>
      make('/forms', {
        name: 'Form',
        title: 'Before',
        description: 'Before',
        slug: fresh().replace('_', '-'),
        fields: [{ name: 'a', type: 'text', label: 'A' }],
        settings: { submit_label: 'Before' },
        workflow_id: workflowId,
        ...given,
      }),
    fields: {
      name: { to: 'Other' },
      title: { to: 'After' },
      description: { to: 'After' },
      slug: { to: 'moved' },
      fields: {
        to: [{ name: 'b', type: 'text', label: 'B' }],
        shows: { fields: [expect.objectContaining({ name: 'b' })] },
      },
      settings: { to: { success_title: 'After' } },
      workflow_id: { get to() { return otherWorkflowId; } }, // prettier-ignore
      revision: { of: {}, to: 1, shows: {} },
    },
    moves: ['revision'],
  },
  updateSchedule: {
    make: (given) =>
      make('/schedules', {
        name: 'Schedule',
        description: 'Before',
        workflow_id: workflowId,
        cron: '0 9 * * *',
        timezone: 'Europe/Vienna',
        overlap: 'allow',
        catch_up_seconds: 60,
        starts_at: '2026-01-01T00:00:00.000Z',
        ends_at: later,
        input: { a: 1 },
        ...given,
      }),
    fields: {
      name: { to: 'Other' },
      description: { to: 'After' },
      cron: { to: '30 10 * * 1', needsAnother: 'cron' },
      interval: { of: { cron: undefined, interval: '1h' }, to: '2h', needsAnother: 'cron' },
      timezone: { to: 'UTC' },
      overlap: { to: 'buffer_one' },
      catch_up_seconds: { to: 10 },
      starts_at: { to: '2090-01-01T00:00:00.000Z' },
      ends_at: { to: muchLater },
      input: { to: { b: { c: null } } },
    },
    moves: ['next_run_at'],
  },
  updateTrigger: {
    make: async (given) =>
      (
        await make('/triggers', {
          name: 'Trigger',
          description: 'Before',
          workflow_id: workflowId,
          config: { kind: 'form', form_id: formIds[0] },
          input: { a: 1 },
          ...given,
        })
      ).trigger,
    fields: {
      name: { to: 'Other' },
      description: { to: 'After' },
      config: { get to() { return { kind: 'form', form_id: formIds[1] }; } }, // prettier-ignore
      input: { to: { b: 2 } },
      secret: {
        of: {
          config: { kind: 'webhook', auth: { type: 'bearer' } },
          secret: 'a-secret-that-is-long-enough',
        },
        to: 'another-secret-that-is-long-enough',
        shows: {},
        cleared: {},
      },
    },
  },
  updateSecret: {
    make: (given) =>
      make('/secrets', {
        name: fresh().toUpperCase(),
        value: 'before',
        description: 'Before',
        tags: ['before'],
        expires_at: later,
        ...given,
      }),
    fields: {
      value: { to: 'after', shows: { version: 2 } },
      description: { to: 'After' },
      tags: { to: [] },
      expires_at: { to: muchLater },
    },
  },
  updateCredential: {
    make: (given) =>
      make('/credentials', {
        name: fresh(),
        values: { type: 'bearer', token: 'before' },
        description: 'Before',
        expires_at: later,
        ...given,
      }),
    fields: {
      name: { to: 'another' },
      values: { to: { type: 'basic', username: 'name', password: 'password' }, shows: { type: 'basic' } },
      description: { to: 'After' },
      expires_at: { to: muchLater },
    },
  },
  updateWebhook: {
    make: async (given) =>
      (
        await make('/webhooks', {
          name: 'Webhook',
          description: 'Before',
          url: 'https://shop.example/before',
          events: ['workflow.created'],
          headers: { 'X-Before': '1' },
          ...given,
        })
      ).webhook,
    fields: {
      name: { to: 'Other' },
      description: { to: 'After' },
      url: { to: 'https://shop.example/after' },
      events: { to: ['workflow.deleted', 'workflow.updated'] },
      headers: { to: { 'X-After': '2' }, shows: { header_names: ['X-After'] } },
      enabled: {
        to: false,
        shows: { enabled: false, disabled_reason: 'manual', disabled_at: expect.any(String) },
      },
    },
  },
};

test('every PATCH of the contract is here, with all its fields', () => {
  const here = Object.entries(subjects).map(([name, { fields }]) => [name, Object.keys(fields).sort()]);
  const there = Object.entries(changes).map(([name, { fields }]) => [name, Object.keys(fields).sort()]);
  expect(Object.fromEntries(here)).toEqual(Object.fromEntries(there));
});

describe.each(Object.entries(subjects))('%s', (operation, { make: madeOf, fields, moves = [] }) => {
  const { path: template, fields: nullable } = changes[operation]!;
  let common: Json;
  beforeAll(async () => {
    common = await madeOf({});
  });

  const addressOf = (resource: Json): string =>
    template.replace(/\{\w+\}/, resource[template.includes('secret_name') ? 'name' : 'id']);

  /** Without what moves by itself. */
  function settled(resource: Json): Json {
    const { updated_at: _, ...rest } = resource;
    for (const name of moves) delete rest[name];
    return rest;
  }

  /** What the resource is after the change, which tells what was stored at the one before. */
  async function changed(address: string, change: Json): Promise<Json> {
    const { status, body } = await ask('PATCH', address, change);
    expect([status, body.error]).toEqual([200, undefined]);
    return settled(body.data);
  }

  test.each(Object.entries(fields))('%s', async (name, change) => {
    const made = change.of ? await madeOf(change.of) : common;
    const address = addressOf(made);
    const before = settled((await ask('GET', address)).body.data);
    const after = { ...before, ...(change.shows ?? { [name]: change.to }) };
    // Whatever was absent is as it was.
    expect(await changed(address, { [name]: change.to })).toEqual(after);
    if (nullable[name] && !change.needsAnother) {
      const cleared = { ...after, ...(change.cleared ?? { [name]: null }) };
      expect(await changed(address, { [name]: null })).toEqual(cleared);
    } else {
      const { status, body } = await ask('PATCH', address, { [name]: null });
      expect(status).toBe(400);
      const at = body.error.details.errors.map(({ field }: Json) => field);
      expect(new Set(at)).toEqual(new Set([change.needsAnother ?? name]));
    }
  });

  test('what the last change answered is what was stored', async () => {
    const { description } = common;
    const answered = await changed(addressOf(common), { description });
    expect(settled((await ask('GET', addressOf(common))).body.data)).toEqual(answered);
  });

  test('nothing at all is refused', async () => {
    expect((await ask('PATCH', addressOf(common), {})).status).toBe(400);
  });
});
