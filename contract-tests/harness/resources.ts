import type { ApiCaller } from './contract-harness.ts';

/** A workflow that ends at once. */
export const QUICK = {
  nodes: [
    { id: 'double', type: 'set', params: { values: { twice: '{{ input.n * 2 }}' } } },
    { id: 'say', type: 'log', params: { level: 'info', message: 'Twice is {{ steps.double.output.twice }}' } },
  ],
  edges: [{ id: 'e1', from: 'double', to: 'say', port: 'default' }],
  input_schema: { type: 'object', properties: { n: { type: 'number' } }, required: ['n'] },
  output: { twice: '{{ steps.double.output.twice }}' },
};

/** A workflow that waits until it is cancelled or ten minutes have passed. */
export const SLOW = { nodes: [{ id: 'pause', type: 'delay', params: { duration: '10m' } }], edges: [] };

/** A workflow that fails. */
export const FAILING = { nodes: [{ id: 'stop', type: 'fail', params: { message: 'No more.' } }], edges: [] };

/** Makes a workflow that is not published; answers its id. */
export async function draftWorkflow(
  harness: ApiCaller,
  definition: unknown = QUICK,
  name = 'Fixture',
): Promise<string> {
  const { body } = await harness.call('createWorkflow', { json: { name, definition } });
  return body.data.id;
}

/** Makes and publishes a workflow; answers its id. */
export async function publishedWorkflow(
  harness: ApiCaller,
  definition: unknown = QUICK,
  name = 'Fixture',
): Promise<string> {
  const workflow_id = await draftWorkflow(harness, definition, name);
  await harness.call('publishWorkflow', { path: { workflow_id }, json: {} });
  return workflow_id;
}

/** Executes a workflow made for it, up to its end unless it takes longer than a moment; answers the execution's id. */
export async function execution(
  harness: ApiCaller,
  definition: unknown = QUICK,
  input: Record<string, unknown> = { n: 1 },
): Promise<string> {
  const path = { workflow_id: await publishedWorkflow(harness, definition) };
  const query = definition === SLOW ? undefined : { wait: '10s' };
  const { body } = await harness.call('executeWorkflow', { path, query, json: { input } });
  return body.data.id;
}

/** Cancels one execution that never was, in bulk; answers the job's id. */
export async function bulkJob(harness: ApiCaller): Promise<string> {
  const { body } = await harness.call('bulkCancelExecutions', { json: { execution_ids: ['exec_of_nobody'] } });
  return body.data.id;
}

/** A workflow that asks somebody first, for a day at most unless told otherwise. */
export const asking = (timeout = '1d'): unknown => ({
  nodes: [{ id: 'review', type: 'approval', params: { message: 'May {{ input.n }}?', timeout } }],
  edges: [],
  output: { decision: '{{ steps.review.output.decision }}', note: '{{ steps.review.output.note }}' },
});

/** Lets an execution wait for an approval; answers the approval's id. */
export async function approval(harness: ApiCaller, timeout?: string): Promise<string> {
  const workflow_id = await publishedWorkflow(harness, asking(timeout));
  const executed = await harness.call('executeWorkflow', { path: { workflow_id }, json: { input: { n: 1 } } });
  const query = { execution_id: executed.body.data.id as string };
  for (let look = 0; look < 400; look++) {
    const { body } = await harness.call('listApprovals', { query });
    if (body.data.length > 0) return body.data[0].id;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error('The execution does not ask.');
}

/** Makes an API key and answers its id and secret. */
export async function apiKey(
  harness: ApiCaller,
  json: Record<string, unknown>,
): Promise<{ id: string; secret: string }> {
  const { body } = await harness.call('createApiKey', { json: { name: 'Fixture', ...json } });
  return { id: body.data.api_key.id, secret: body.data.secret };
}

/** Makes a group of workflows; answers its id. */
export async function group(harness: ApiCaller, name = 'Fixture'): Promise<string> {
  const { body } = await harness.call('createGroup', { json: { name } });
  return body.data.id;
}

/** Makes a trigger of a published workflow; answers its id. */
export async function trigger(
  harness: ApiCaller,
  config: unknown,
  fields: Record<string, unknown> = {},
  definition: unknown = QUICK,
): Promise<string> {
  const workflow_id = fields['workflow_id'] ?? (await publishedWorkflow(harness, definition));
  const { body } = await harness.call('createTrigger', { json: { name: 'Fixture', config, workflow_id, ...fields } });
  return body.data.trigger.id;
}

/** Makes a schedule of a published workflow, daily unless told; answers its id. */
export async function schedule(harness: ApiCaller, fields: Record<string, unknown> = {}): Promise<string> {
  const workflow_id = fields['workflow_id'] ?? (await publishedWorkflow(harness));
  const timing = fields['cron'] ? {} : { interval: '1d' };
  const { body } = await harness.call('createSchedule', {
    json: { name: 'Fixture', workflow_id, ...timing, ...fields },
  });
  return body.data.id;
}

let named = 0;

/** A name that nothing else has. */
export function freshName(): string {
  return `fixture_${(named += 1)}`;
}

/** Makes a secret of a name of its own; answers the name. */
export async function secret(harness: ApiCaller, json: Record<string, unknown> = {}): Promise<string> {
  const name = freshName();
  const { body } = await harness.call('createSecret', { json: { name, value: 'a value', ...json } });
  return body.data.name;
}

/** Makes a credential of a name of its own. */
export async function credential(
  harness: ApiCaller,
  values: Record<string, unknown>,
  more: Record<string, unknown> = {},
): Promise<{ id: string; name: string }> {
  const name = freshName();
  const { body } = await harness.call('createCredential', { json: { name, values, ...more } });
  return body.data;
}

/** Stores a value for the organisation; answers its key. */
export async function stored(harness: ApiCaller, value: unknown): Promise<string> {
  const key = freshName();
  await harness.call('setKvEntry', { path: { key }, json: { value } });
  return key;
}

/** Makes a webhook; answers its id. */
export async function webhook(harness: ApiCaller, json: Record<string, unknown>): Promise<string> {
  const { body } = await harness.call('createWebhook', { json });
  return body.data.webhook.id;
}

/** Lets an execution wait for an event; answers the token of its callback URL. */
export async function callback(harness: ApiCaller, params: object = {}): Promise<string> {
  const url = await callbackUrl(harness, params);
  return url.slice(url.lastIndexOf('/') + 1);
}

/** Lets an execution wait for an event; answers its callback URL. */
export async function callbackUrl(harness: ApiCaller, params: object = {}): Promise<string> {
  const definition = {
    nodes: [
      { id: 'tell', type: 'set', params: { values: { url: '{{ execution.callbacks.paid }}' } } },
      { id: 'paid', type: 'wait.event', params },
    ],
    edges: [{ id: 'e', from: 'tell', to: 'paid', port: 'default' }],
  };
  const path = { workflow_id: await publishedWorkflow(harness, definition) };
  const started = await harness.call('executeWorkflow', { path, json: {} });
  for (;;) {
    const { body } = await harness.call('listExecutionSteps', { path: { execution_id: started.body.data.id } });
    const steps = body.data as { node_id: string; status: string; output: { url: string } | null }[];
    const url = steps.find(({ node_id: id }) => id === 'tell')?.output?.url;
    if (url && steps.some(({ node_id: id, status }) => id === 'paid' && status === 'waiting')) return url;
  }
}
