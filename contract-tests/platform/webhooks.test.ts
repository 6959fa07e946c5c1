import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { Webhook as StandardWebhook } from 'standardwebhooks';
import { type Flowpact, type models, verifyWebhook } from '#sdk';
import { eventTypes } from '../../server/src/domain/event/event-type.ts';
import { type ReceivedMessage, WebhookReceiver } from '../../server/test/webhook-receiver.ts';
import { useContractHarness } from '../harness/contract-harness.ts';
import { draftWorkflow, FAILING, publishedWorkflow, SLOW } from '../harness/resources.ts';
import { until } from '../../server/test/until.ts';

const harness = useContractHarness({
  settings: { OUTGOING_ALLOWED_HOSTS: ['127.0.0.1'], WEBHOOK_RETRY_SECONDS: [0, 0], RATE_LIMITS: false },
});

let receiver: WebhookReceiver;
beforeAll(async () => {
  receiver = await WebhookReceiver.start();
});
afterAll(() => receiver.stop());
afterEach(async () => {
  for await (const { id } of webhooks().list({ per_page: 100 })) await webhooks().delete(id);
  receiver.messages.length = 0;
  receiver.answer = () => 204;
});

const webhooks = (): Flowpact['webhooks'] => harness().sdk().webhooks;

const create = (events: models.EventType[], more: object = {}): Promise<models.CreatedWebhook> =>
  webhooks().create({ name: 'Shop', url: receiver.url, events, ...more });

const rename = async (id: string, name: string): Promise<void> => {
  await harness().sdk().workflows.update(id, { name });
};

/** What is found once it is so. */
function untilSo<T>(look: () => Promise<T>, isSo: (found: T) => boolean): Promise<T> {
  const found = async (): Promise<[T] | false> => {
    const one = await look();
    return isSo(one) && [one];
  };
  return until(found, { seen: look }).then(([one]) => one);
}

const deliveries = async (id: string): Promise<readonly models.WebhookDelivery[]> =>
  (await webhooks().listDeliveries(id, { per_page: 100 })).data;
const settled = (id: string, count = 1): Promise<readonly models.WebhookDelivery[]> =>
  untilSo(
    () => deliveries(id),
    (all) => all.length >= count && all.every(({ completed_at: at }) => at !== null),
  );
const verify = (secret: string, { body, headers }: ReceivedMessage): unknown =>
  new StandardWebhook(secret).verify(body, headers);

describe('the catalogue', () => {
  test('has every event that can happen, each with an example that fits its schema', async () => {
    const { data } = await webhooks().listEventTypes({ per_page: 100 });
    expect(data.filter(({ subscribable }) => subscribable).map(({ type }) => type)).toEqual([...eventTypes]);
    expect(data.filter(({ subscribable }) => !subscribable).map(({ type }) => type)).toEqual(['webhook.test']);
    const ajv = new Ajv2020({ strict: false });
    addFormats.default(ajv);
    for (const { schema, example } of data)
      expect({ fits: ajv.validate(schema, example), by: ajv.errors }).toEqual({ fits: true, by: null });
  });

  test('comes in pages', async () => {
    const { data, pagination } = await webhooks().listEventTypes({ page: 2, per_page: 5 });
    expect(data.map(({ type }) => type)).toEqual(eventTypes.slice(5, 10));
    expect(pagination).toMatchObject({ total_count: eventTypes.length + 1, has_next: true, has_prev: true });
  });
});

describe('a webhook', () => {
  test('is made, read, changed and deleted; its secret and its headers are shown by nothing', async () => {
    const { webhook, secret } = await create(['form.submitted'], { headers: { 'X-Token': 'very-secret-value' } });
    expect(webhook).toMatchObject({ enabled: true, header_names: ['X-Token'], failing_since: null });
    expect(secret).toMatch(/^whsec_/);
    const changed = await webhooks().update(webhook.id, { name: 'Desk', enabled: false, description: 'd' });
    expect(changed).toMatchObject({ name: 'Desk', enabled: false, disabled_reason: 'manual', description: 'd' });
    const path = { webhook_id: webhook.id };
    const read = [await harness().call('getWebhook', { path }), await harness().call('listWebhooks')];
    for (const { text } of read) {
      expect(text).not.toContain('very-secret-value');
      expect(text).not.toContain(secret.slice(6));
    }
    expect((await webhooks().list({ enabled: true })).data).toEqual([]);
    expect((await webhooks().list({ enabled: false })).data).toHaveLength(1);
    const stored = await harness().server.sql<{ row: string }>(
      'select webhook::text as row from webhook where id = $1',
      [webhook.id],
    );
    for (const text of ['very-secret-value', Buffer.from('very-secret-value').toString('hex'), secret.slice(6)])
      expect(stored[0]!.row).not.toContain(text);
    await webhooks().delete(webhook.id);
    await harness().refused('getWebhook', { path }, 404, 'resource_not_found');
  });

  test.each([
    ['url', { url: 'https://me:pass@shop.example/' }, 'url'],
    ['a signature header', { headers: { 'Webhook-Id': 'x' } }, 'headers.Webhook-Id'],
    ['the body type', { headers: { 'Content-Type': 'text/plain' } }, 'headers.Content-Type'],
    ['a header twice', { headers: { 'X-A': '1', 'x-a': '2' } }, 'headers.x-a'],
    ['a name that cannot be stored', { name: 'a\0' }, 'name'],
  ])('400: %s', async (_, wrong, field) => {
    const json = { name: 'n', url: receiver.url, events: ['form.submitted'], ...wrong };
    const { body } = await harness().refused('createWebhook', { json }, 400, 'validation_error');
    expect(body.error.details.errors).toMatchObject([{ field, location: 'body' }]);
  });

  test.each([
    { url: 'ftp://shop.example/file' },
    { url: 'https://' },
    { events: [] },
    { events: ['nothing.happened'] },
    { events: ['webhook.test'] },
    { headers: { 'X-A': 'line\nbreak' } },
    { name: '' },
  ])('400: %j', async (wrong) => {
    const json = { name: 'n', url: receiver.url, events: ['form.submitted'], ...wrong };
    await harness().refused('createWebhook', { json }, 400, 'validation_error');
    expect((await webhooks().list()).data).toEqual([]);
  });

  test.each([
    ['http://10.0.0.1/'],
    ['http://[::ffff:a00:1]/'],
    ['https://[64:ff9b::a9fe:a9fe]/latest'],
    ['http://0xa9.0376.43518/'],
    ['http://2852039166/'],
    ['http://localhost:8080/'],
    ['http://shop.LOCALHOST./'],
  ])('400: %s is no address that is called', async (url) => {
    const json = { name: 'n', url, events: ['form.submitted'] };
    const { body } = await harness().refused('createWebhook', { json }, 400, 'validation_error');
    const message = expect.stringContaining('OUTGOING_ALLOWED_HOSTS');
    expect(body.error.details.errors).toEqual([{ field: 'url', message, location: 'body' }]);
    const { webhook } = await create(['form.submitted'], { url: 'https://shop.example/' });
    const path = { webhook_id: webhook.id };
    await harness().refused('updateWebhook', { path, json: { url } }, 400, 'validation_error');
    expect((await webhooks().get(webhook.id)).url).toBe('https://shop.example/');
  });

  test('there are 200 at most, also when many are made at once', async () => {
    const { organisationId } = harness().server.admin;
    const { webhook } = await create(['form.submitted']);
    await harness().server.sql(
      `insert into webhook select (jsonb_populate_record(webhook, jsonb_build_object('id', 'wh_' || lpad(n::text, 26, '0')))).*
       from webhook, generate_series(1, 198) n where webhook.id = $1`,
      [webhook.id],
    );
    const json = { name: 'n', url: receiver.url, events: ['form.submitted'] };
    const answers = await Promise.all(Array.from({ length: 6 }, () => harness().call('createWebhook', { json })));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 400, 400, 400, 400, 400]);
    await harness().refused('createWebhook', { json }, 400, 'validation_error');
    await harness().server.sql('delete from webhook where organisation_id = $1', [organisationId]);
  });
});

describe('events', () => {
  test('of a workflow and its executions arrive, signed for the published library of Standard Webhooks', async () => {
    const { webhook, secret } = await create(
      [
        'workflow.created',
        'workflow.updated',
        'workflow.published',
        'workflow.deleted',
        'execution.started',
        'execution.completed',
      ],
      { headers: { Authorization: 'Bearer 2f1c' } },
    );
    const id = await publishedWorkflow(harness());
    await rename(id, 'Renamed');
    const { id: executionId } = await harness()
      .sdk()
      .workflows.execute(id, { input: { n: 4 }, wait: '10s' });
    const [completed] = await receiver.received('execution.completed');
    await harness().sdk().workflows.delete(id);
    const [deleted] = await receiver.received('workflow.deleted');
    expect(completed!.headers).toMatchObject({
      authorization: 'Bearer 2f1c',
      'content-type': 'application/json',
      'user-agent': 'Flowpact-Webhook/1.0',
      'webhook-id': completed!.event.id,
    });
    expect(completed!.event.data).toMatchObject({
      execution_id: executionId,
      workflow_id: id,
      workflow_name: 'Renamed',
      status: 'completed',
      output: { twice: 8 },
      error: null,
    });
    expect(deleted!.event.data).toMatchObject({ workflow_id: id, name: 'Renamed', published_version: 1 });
    expect(new Set(receiver.messages.map(({ event }) => event.type))).toEqual(new Set(webhook.events));
    for (const message of receiver.messages) {
      expect(verify(secret, message)).toEqual(message.event);
      expect(await verifyWebhook(message.body, message.headers, secret)).toEqual(message.event);
    }
    const sent = await settled(webhook.id, 6);
    expect(sent.map(({ status }) => status)).toEqual(Array.from({ length: 6 }, () => 'succeeded'));
    // The verifier holds each payload against the contract.
    for (const { id: delivery } of sent) {
      const { payload } = await webhooks().getDelivery(webhook.id, delivery);
      expect(receiver.messages.map(({ event }) => event)).toContainEqual(payload);
    }
    expect((await webhooks().get(webhook.id)).last_delivery_at).not.toBeNull();
  });

  test('of executions that fail and are cancelled', async () => {
    const { webhook } = await create(['execution.failed', 'execution.cancelled']);
    await harness()
      .sdk()
      .workflows.execute(await publishedWorkflow(harness(), FAILING), { input: {} });
    const slow = await harness()
      .sdk()
      .workflows.execute(await publishedWorkflow(harness(), SLOW), { input: {} });
    await harness().sdk().executions.cancel(slow.id);
    const [failed] = await receiver.received('execution.failed');
    expect(failed!.event.data).toMatchObject({ status: 'failed', error: { message: 'No more.', node_id: 'stop' } });
    const [cancelled] = await receiver.received('execution.cancelled');
    expect(cancelled!.event.data).toMatchObject({ execution_id: slow.id, status: 'cancelled' });
    for (const { id } of await settled(webhook.id, 2)) await webhooks().getDelivery(webhook.id, id);
  });

  test('that nobody asked for leave no trace', async () => {
    await create(['form.submitted']);
    const id = await draftWorkflow(harness());
    const rows = await harness().server.sql(`select from domain_event where data ->> 'workflow_id' = $1`, [id]);
    expect(rows).toEqual([]);
  });
});

describe('deliveries', () => {
  test('a failure is tried again under the same id; attempts say what was answered', async () => {
    const { webhook, secret } = await create(['workflow.created']);
    let count = 0;
    receiver.answer = () => (++count === 1 ? { status: 500, body: `Sorry.${'x'.repeat(20_000)}` } : 200);
    await draftWorkflow(harness());
    const [delivery] = await settled(webhook.id);
    expect(delivery).toMatchObject({ status: 'succeeded', attempts: 2, response_status: 200, error: null });
    const [first, second] = receiver.messages;
    expect(first!.headers['webhook-id']).toBe(second!.headers['webhook-id']);
    expect(verify(secret, second!)).toEqual(second!.event);
    const { data } = await webhooks().listDeliveryAttempts(webhook.id, delivery!.id);
    expect(data).toMatchObject([
      { number: 1, response_status: 500, error: 'the receiver answered 500' },
      { number: 2, response_status: 200, error: null, response_body: '' },
    ]);
    expect(data[0]!.response_body).toHaveLength(10_000);
    expect((await webhooks().get(webhook.id)).failing_since).toBeNull();
  });

  test('what fails to the end can be resent, and recovered with all others', async () => {
    const { webhook } = await create(['workflow.created']);
    receiver.answer = () => 500;
    await draftWorkflow(harness());
    await draftWorkflow(harness());
    const [later, earlier] = await settled(webhook.id, 2);
    expect(later).toMatchObject({ status: 'failed', attempts: 3, error: 'the receiver answered 500' });
    expect((await webhooks().get(webhook.id)).failing_since).not.toBeNull();
    receiver.answer = () => 204;
    expect(await webhooks().resendDelivery(webhook.id, later!.id)).toMatchObject({
      status: 'retrying',
      completed_at: null,
    });
    await untilSo(
      () => webhooks().getDelivery(webhook.id, later!.id),
      ({ status, attempts }) => status === 'succeeded' && attempts === 4,
    );
    const { recovered } = await webhooks().recover(webhook.id, { since: webhook.created_at });
    expect(recovered).toBe(1);
    await untilSo(
      () => webhooks().getDelivery(webhook.id, earlier!.id),
      ({ status }) => status === 'succeeded',
    );
    const until_ = await webhooks().recover(webhook.id, {
      since: '2020-01-01T00:00:00Z',
      until: '2020-01-02T00:00:00Z',
    });
    expect(until_.recovered).toBe(0);
  });

  test('filters, pages and cursors', async () => {
    const { webhook } = await create(['workflow.created', 'workflow.updated']);
    receiver.answer = ({ event }) => (event.type === 'workflow.created' ? 204 : 400);
    const id = await draftWorkflow(harness());
    for (const name of ['a', 'b', 'c']) await rename(id, name);
    await settled(webhook.id, 4);
    const query = { event_type: 'workflow.updated', status: ['failed'] } as const;
    const page = await webhooks().listDeliveries(webhook.id, { ...query, status: ['failed'], per_page: 2 });
    expect(page.pagination).toMatchObject({ total_count: 3, has_more: true });
    const seen: string[] = [];
    for await (const { id: delivery } of page) seen.push(delivery);
    expect(new Set(seen).size).toBe(3);
    const path = { webhook_id: webhook.id };
    await harness().refused('listWebhookDeliveries', { path, query: { cursor: 'none' } }, 400, 'validation_error');
    expect((await webhooks().listDeliveries(webhook.id, { status: ['succeeded'] })).data).toHaveLength(1);
  });

  test('private addresses are not called, also where one was stored while the operator allowed it', async () => {
    const { webhook } = await create(['workflow.created']);
    await harness().server.sql(`update webhook set url = 'http://10.0.0.1/' where id = $1`, [webhook.id]);
    await draftWorkflow(harness());
    const [delivery] = await settled(webhook.id);
    expect(delivery).toMatchObject({ status: 'failed', response_status: null });
    expect(delivery!.error).toContain('private or reserved');
  });

  test('redirects are failures', async () => {
    const { webhook } = await create(['workflow.created']);
    receiver.answer = () => ({ status: 302, headers: { location: '/elsewhere' } });
    await draftWorkflow(harness());
    expect(await settled(webhook.id)).toMatchObject([{ status: 'failed', response_status: 302 }]);
  });

  test('what a process that died was sending is sent by another', async () => {
    const { webhook } = await create(['workflow.created']);
    await draftWorkflow(harness());
    await settled(webhook.id);
    // As it is left behind: claimed, untried, the claim run out.
    await harness().server.sql(
      `update webhook_delivery set status = 'retrying', completed_at = null, next_attempt_at = now() where webhook_id = $1`,
      [webhook.id],
    );
    expect(
      (
        await untilSo(
          () => settled(webhook.id),
          ([one]) => one!.attempts === 2,
        )
      )[0],
    ).toMatchObject({ status: 'succeeded' });
  });

  test('404: a delivery of another webhook', async () => {
    const { webhook } = await create(['workflow.created']);
    const other = await create(['workflow.updated']);
    await draftWorkflow(harness());
    const [delivery] = await settled(webhook.id);
    const path = { webhook_id: other.webhook.id, delivery_id: delivery!.id };
    for (const operation of ['getWebhookDelivery', 'listWebhookDeliveryAttempts', 'resendWebhookDelivery'])
      await harness().refused(operation, { path }, 404, 'resource_not_found');
  });
});

describe('secrets', () => {
  test('after a rotation both secrets verify, until the overlap is over', async () => {
    const { webhook, secret: old } = await create(['workflow.created']);
    const rotated = await webhooks().rotateSecret(webhook.id, { overlap_seconds: 3600 });
    expect(rotated.webhook.previous_secret_expires_at).not.toBeNull();
    await draftWorkflow(harness());
    const [both] = await receiver.received('workflow.created');
    expect(both!.headers['webhook-signature']).toMatch(/^v1,\S+ v1,\S+$/);
    for (const secret of [old, rotated.secret]) expect(verify(secret, both!)).toEqual(both!.event);
    const { secret: last } = await webhooks().rotateSecret(webhook.id, { overlap_seconds: 0 });
    await draftWorkflow(harness());
    const [, alone] = await receiver.received('workflow.created', 2);
    expect(verify(last, alone!)).toEqual(alone!.event);
    for (const secret of [old, rotated.secret]) expect(() => verify(secret, alone!)).toThrow('No matching signature');
  });
});

describe('tests', () => {
  test('send one message, also to a webhook that is disabled, and try once', async () => {
    const { webhook, secret } = await create(['workflow.created'], { enabled: false });
    receiver.answer = () => 503;
    const tested = await webhooks().test(webhook.id, {});
    expect(tested).toMatchObject({ origin: 'test', event_type: 'webhook.test', status: 'pending' });
    const failed = await untilSo(
      () => webhooks().getDelivery(webhook.id, tested.id),
      ({ completed_at: at }) => at !== null,
    );
    expect(failed).toMatchObject({ status: 'failed', attempts: 1, payload: { data: { webhook_id: webhook.id } } });
    expect(verify(secret, receiver.messages[0]!)).toMatchObject({ type: 'webhook.test' });
    expect((await webhooks().get(webhook.id)).failing_since).toBeNull();
  });

  test('can look like any event of the catalogue', async () => {
    const { webhook } = await create(['workflow.created']);
    const { data } = await webhooks().listEventTypes({ per_page: 100 });
    for (const { type } of data) {
      const { id } = await webhooks().test(webhook.id, { event_type: type });
      await webhooks().getDelivery(webhook.id, id);
    }
    await settled(webhook.id, data.length);
    expect(receiver.messages.map(({ event }) => event.type).sort()).toEqual(data.map(({ type }) => type).sort());
  });
});

describe('disabling', () => {
  test('by hand ends what waits; nothing is resent or recovered before it is enabled again', async () => {
    const { webhook } = await create(['workflow.created']);
    receiver.answer = () => 500;
    await draftWorkflow(harness());
    const [delivery] = await settled(webhook.id);
    await webhooks().update(webhook.id, { enabled: false });
    await draftWorkflow(harness());
    expect(await deliveries(webhook.id)).toHaveLength(1);
    const path = { webhook_id: webhook.id, delivery_id: delivery!.id };
    const json = { since: webhook.created_at };
    await harness().refused('resendWebhookDelivery', { path }, 409, 'webhook_disabled');
    await harness().refused('recoverWebhook', { path, json }, 409, 'webhook_disabled');
    receiver.answer = () => 204;
    expect(await webhooks().update(webhook.id, { enabled: true })).toMatchObject({
      disabled_reason: null,
      failing_since: null,
    });
    expect(await webhooks().recover(webhook.id, json)).toEqual({ recovered: 1 });
    await receiver.received('workflow.created', 4);
  });

  test.each(['failures', 'gone'] as const)('by itself because of %s, which other webhooks are told', async (reason) => {
    const { webhook } = await create(['workflow.created']);
    const watching = await create(['alert.triggered']);
    receiver.answer = ({ event }) => (event.type === 'alert.triggered' ? 204 : reason === 'gone' ? 410 : 500);
    if (reason === 'failures') {
      const longAgo = `update webhook set failing_since = now() - interval '5 days' where id = $1`;
      await harness().server.sql(longAgo, [webhook.id]);
    }
    await draftWorkflow(harness());
    const [alert] = await receiver.received('alert.triggered');
    expect(verify(watching.secret, alert!)).toMatchObject({
      data: { alert: 'webhook_disabled', resource: { type: 'webhook', id: webhook.id }, details: { reason } },
    });
    expect(await webhooks().get(webhook.id)).toMatchObject({ enabled: false, disabled_reason: reason });
    expect(await settled(webhook.id)).toMatchObject([{ status: 'failed', attempts: reason === 'gone' ? 1 : 3 }]);
    expect(harness().server.logs).toContainEqual(expect.objectContaining({ webhookId: webhook.id, reason }));
  });
});
