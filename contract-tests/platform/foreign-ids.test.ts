import { beforeAll, describe, expect, test } from '@jest/globals';
import { type CallOptions, useContractHarness, verifier } from '../harness/contract-harness.ts';
import * as make from '../harness/resources.ts';
import { publishedForm } from '../harness/tags/forms.ts';
import type { Schema } from '../verifier/contract-document.ts';

// Ids in paths are tried by the matrix. Here are those in bodies: whoever names what belongs to another organisation is told the
// same as of something that never was, and nothing comes of it.

const harness = useContractHarness();

/** Names of other systems, which point at nothing here. */
const ofOthers = ['client_id'];

/** Places of ids in the bodies of requests, as `createChannel routes.workflow_id`. */
function placesOfIds(): string[] {
  const { contract } = verifier;
  const places: string[] = [];
  const walk = (schema: Schema | undefined, path: readonly string[], seen: readonly unknown[]): void => {
    const resolved = contract.resolve(schema);
    if (typeof resolved !== 'object' || resolved === null || seen.includes(resolved)) return;
    const within = [...seen, resolved];
    for (const [name, property] of Object.entries((resolved['properties'] ?? {}) as Record<string, Schema>)) {
      if (/_ids?$/.test(name) && !ofOthers.includes(name)) places.push([...path, name].join('.'));
      walk(property, [...path, name], within);
    }
    for (const keyword of ['oneOf', 'anyOf', 'allOf'])
      for (const option of (resolved[keyword] ?? []) as Schema[]) walk(option, path, within);
    walk(resolved['items'] as Schema | undefined, path, within);
  };
  return contract.operations.flatMap(({ id, requestBody }) => {
    places.length = 0;
    for (const { schema } of Object.values(requestBody?.content ?? {})) walk(schema, [], []);
    return [...new Set(places)].map((place) => `${id} ${place}`);
  });
}

/** What the stranger sends, with what belongs to the administrator's organisation in it. */
interface Theirs {
  readonly workflow: string;
  readonly form: string;
  readonly execution: string;
  readonly group: string;
}
let theirs: Theirs;
let stranger: { apiKey: string };

beforeAll(async () => {
  stranger = await harness().server.createOrganisation();
  theirs = {
    workflow: await make.publishedWorkflow(harness()),
    form: (await publishedForm(harness())).form_id,
    execution: await make.execution(harness(), make.SLOW),
    group: await make.group(harness()),
  };
});

/** What operations that make something answer: it, or it beside a secret. */
interface Made {
  readonly id?: string;
  readonly channel?: { readonly id: string };
  readonly trigger?: { readonly id: string };
}

/** Makes something of the stranger's own; answers its id. */
async function own(operation: string, json: object, idOf: (data: Made) => string = ({ id }) => id!): Promise<string> {
  const { body } = await harness().call(operation, { json, ...stranger });
  return idOf(body.data);
}

const ownWorkflow = async (): Promise<string> => {
  const id = await own('createWorkflow', { name: 'Own', definition: make.QUICK });
  await harness().call('publishWorkflow', { path: { workflow_id: id }, json: {}, ...stranger });
  return id;
};
const ownChannel = (kind: string): Promise<string> =>
  own('createChannel', { name: 'Own', kind }, ({ channel }) => channel!.id);

type Request = () => Promise<CallOptions> | CallOptions;
const route = (): object => ({ method: 'POST', path: '/x', workflow_id: theirs.workflow });
const tool = (): object => ({ name: 'x', description: 'X', workflow_id: theirs.workflow });

/** Refused with 400 for the field, or 404. */
const refused: Record<string, Request> = {
  'createWorkflow group_id': () => ({ json: { name: 'X', group_id: theirs.group } }),
  'updateWorkflow group_id': async () => ({
    path: { workflow_id: await ownWorkflow() },
    json: { group_id: theirs.group },
  }),
  'createChannel routes.workflow_id': () => ({ json: { name: 'X', kind: 'http', routes: [route()] } }),
  'createChannel tools.workflow_id': () => ({ json: { name: 'X', kind: 'mcp', tools: [tool()] } }),
  'updateChannel routes.workflow_id': async () => ({
    path: { channel_id: await ownChannel('http') },
    json: { routes: [route()] },
  }),
  'updateChannel tools.workflow_id': async () => ({
    path: { channel_id: await ownChannel('mcp') },
    json: { tools: [tool()] },
  }),
  'createForm workflow_id': () => ({ json: { name: 'X', workflow_id: theirs.workflow } }),
  'updateForm workflow_id': async () => ({
    path: { form_id: await own('createForm', { name: 'Own' }) },
    json: { workflow_id: theirs.workflow },
  }),
  'createStreamTicket execution_id': () => ({ json: { execution_id: theirs.execution } }),
  'createSchedule workflow_id': () => ({ json: { name: 'X', workflow_id: theirs.workflow, interval: '1d' } }),
  'createTrigger workflow_id': () => ({
    json: { name: 'X', workflow_id: theirs.workflow, config: { kind: 'manual' } },
  }),
  'createTrigger config.form_id': async () => ({
    json: { name: 'X', workflow_id: await ownWorkflow(), config: { kind: 'form', form_id: theirs.form } },
  }),
  'updateTrigger config.form_id': async () => {
    const config = { kind: 'form', form_id: await own('createForm', { name: 'Own' }) };
    const json = { name: 'Own', workflow_id: await ownWorkflow(), config };
    return {
      path: { trigger_id: await own('createTrigger', json, ({ trigger }) => trigger!.id) },
      json: { config: { kind: 'form', form_id: theirs.form } },
    };
  },
};

/** Accepted, as for ids that never were: the job finds nothing. */
const finds: Record<string, Request> = {
  'bulkCancelExecutions execution_ids': () => ({ json: { execution_ids: [theirs.execution] } }),
  'bulkCancelExecutions filter.workflow_id': () => ({ json: { filter: { workflow_id: theirs.workflow } } }),
  'bulkRetryExecutions execution_ids': () => ({ json: { execution_ids: [theirs.execution] } }),
  'bulkRetryExecutions filter.workflow_id': () => ({ json: { filter: { workflow_id: theirs.workflow } } }),
};

test('every id that a body may hold is tried', () => {
  expect([...Object.keys(refused), ...Object.keys(finds)].sort()).toEqual(placesOfIds().sort());
});

describe("another organisation's id", () => {
  test.each(Object.entries(refused))('%s: refused', async (place, request) => {
    const [operation, path] = place.split(' ') as [string, string];
    const { status, body } = await harness().call(operation, { ...(await request()), ...stranger });
    const field = path.split('.').at(-1);
    expect([
      [404, 'resource_not_found'],
      [400, 'validation_error'],
    ]).toContainEqual([status, body.error.code]);
    if (status === 400) expect(body.error.details.errors[0].field).toMatch(new RegExp(`${field}$`));
    expect(body.error.message).not.toContain('Fixture');
  });

  test.each(Object.entries(finds))('%s: nothing is found', async (place, request) => {
    const [operation] = place.split(' ') as [string];
    const started = await harness().call(operation, { ...(await request()), ...stranger });
    const path = { bulk_job_id: started.body.data.id as string };
    let job = started.body.data;
    while (['pending', 'running'].includes(job.status)) {
      job = (await harness().call('getBulkJob', { path, ...stranger })).body.data;
    }
    expect(job).toMatchObject({ status: 'completed', counts: { succeeded: 0 } });
    const { body } = await harness().call('getExecution', { path: { execution_id: theirs.execution } });
    expect(['pending', 'running', 'waiting']).toContain(body.data.status);
  });
});
