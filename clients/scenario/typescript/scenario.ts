// The scenario of `npm run test:sdks` in TypeScript: what it does is the same in every language.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import {
  Flowpact,
  NotFoundError,
  ValidationError,
  verifyWebhook,
  type WebhookEvent,
  WebhookVerificationError,
  type models,
} from '@flowpact/sdk';

const { FLOWPACT_URL: baseUrl, FLOWPACT_EMAIL: email, FLOWPACT_PASSWORD: password, FLOWPACT_TAG: tag } = process.env;

function assert(holds: boolean, claim: string): asserts holds {
  if (!holds) throw new Error(`expected ${claim}`);
}

const definition: models.WorkflowDefinition = {
  nodes: [
    { id: 'total', type: 'set', params: { values: { total: '{{ input.amount }}' } } },
    { id: 'answer', type: 'respond', params: { body: { total: '{{ steps.total.output.total }}', approved: true } } },
  ],
  edges: [{ id: 'e1', from: 'total', to: 'answer', port: 'default' }],
};

const { access_token: accessToken } = await new Flowpact({ baseUrl: baseUrl! }).auth.login({
  email: email!,
  password: password!,
});
const fp = new Flowpact({ baseUrl: baseUrl!, accessToken });

const workflow = await fp.workflows.create({ name: 'SDK scenario', tags: [tag!], definition });
const { data: published, response } = await fp.workflows.publish(workflow.id).withResponse();
assert(response.ok && published.version === 1, 'the first version');

const started = await fp.workflows.execute(workflow.id, { input: { amount: 12.5 } });
const execution = await fp.executions.waitForCompletion(started.id, { timeout: 30_000, pollInterval: 50 });
assert(execution.status === 'completed', `a completed execution, not ${JSON.stringify(execution.error)}`);
assert(
  JSON.stringify(execution.output).includes('12.5'),
  `the total in the output, not ${JSON.stringify(execution.output)}`,
);

const events: string[] = [];
for await (const event of fp.executions.stream(started.id)) events.push(event.type);
assert(events.at(-1) === 'execution:completed', `a stream that ends well, not ${events.join(', ')}`);

const others = [
  await fp.workflows.create({ name: 'Second', tags: [tag!] }),
  await fp.workflows.create({ name: 'Third', tags: [tag!] }),
];
const listed: string[] = [];
for await (const { id } of fp.workflows.list({ tag: tag!, per_page: 1 })) listed.push(id);
assert(listed.length === 3 && others.every(({ id }) => listed.includes(id)), 'three workflows on three pages');

const missing = await fp.workflows.get('wf_01kaq4e5n8e3s4t5v6w7x8y9z0').catch((error: unknown) => error);
assert(
  missing instanceof NotFoundError && missing.code === 'resource_not_found',
  `a NotFoundError, not ${String(missing)}`,
);
assert(missing.requestId !== undefined, 'a request id');

const refused = await fp.workflows.publish(others[0]!.id).catch((error: unknown) => error);
assert(refused instanceof ValidationError && refused.problems.length > 0, `a ValidationError, not ${String(refused)}`);

await receive();
for (const id of listed) await fp.workflows.delete(id);

/** A message to a webhook is verified with its secret, and after a rotation with either. */
async function receive(): Promise<void> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const { webhook, secret } = await fp.webhooks.create({ name: tag!, url, events: ['form.submitted'] });
  const tested = async (): Promise<(secret: string, change?: string) => Promise<WebhookEvent>> => {
    const asked = once(server, 'request');
    await fp.webhooks.test(webhook.id, {});
    const [request, response] = (await asked) as [IncomingMessage, ServerResponse];
    const payload = await text(request);
    response.writeHead(204).end();
    return (secret, change = '') => verifyWebhook(payload + change, request.headers, secret);
  };
  const event = await (await tested())(secret);
  assert(event.type === 'webhook.test' && event.data.webhook_id === webhook.id, 'the test of the webhook');
  const rotated = await fp.webhooks.rotateSecret(webhook.id, {});
  const verify = await tested();
  assert((await verify(secret)).id === (await verify(rotated.secret)).id, 'a message that both secrets fit');
  const changed = await verify(secret, ' ').catch((error: unknown) => error);
  assert(changed instanceof WebhookVerificationError, `a WebhookVerificationError, not ${String(changed)}`);
  await fp.webhooks.delete(webhook.id);
  server.close();
  server.closeAllConnections();
}
