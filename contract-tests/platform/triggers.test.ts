import { describe, expect, test } from '@jest/globals';
import { useContractHarness } from '../harness/contract-harness.ts';
import { draftWorkflow, publishedWorkflow, trigger } from '../harness/resources.ts';

const harness = useContractHarness();
const manual = { kind: 'manual' };
const hook = (auth: object = { type: 'none' }, more: object = {}) => ({ kind: 'webhook', auth, ...more });

describe('createTrigger', () => {
  test('201: a webhook trigger has a URL and a secret that is shown once', async () => {
    const workflow_id = await publishedWorkflow(harness());
    const made = await harness()
      .sdk()
      .triggers.create({ workflow_id, name: 'Orders', config: { kind: 'webhook', auth: { type: 'hmac' } } });
    expect(made.secret).toMatch(/^whsec_/);
    expect(made.trigger).toMatchObject({
      kind: 'webhook',
      enabled: true,
      has_secret: true,
      trigger_count: 0,
      url: expect.stringMatching(/^http:\/\/.*\/hooks\/[0-9A-Za-z]{24}$/),
      config: { methods: ['POST'], respond: 'immediately', timeout_seconds: 30, path: null },
    });
    const got = await harness().call('getTrigger', { path: { trigger_id: made.trigger.id } });
    expect(got.text).not.toContain(made.secret);
  });

  test('201: a secret that was brought along is not shown', async () => {
    const workflow_id = await publishedWorkflow(harness());
    const json = { workflow_id, name: 'GitHub', config: hook({ type: 'bearer' }), secret: 'a-secret-of-the-sender' };
    const { body, text } = await harness().call('createTrigger', { json });
    expect(body.data).toMatchObject({ secret: null, trigger: { has_secret: true } });
    expect(text).not.toContain('a-secret-of-the-sender');
  });

  test.each<[why: string, fields: object, field: string]>([
    ['a schedule without a time', { config: { kind: 'schedule' } }, 'config'],
    ['a time that no clock shows', { config: { kind: 'schedule', cron: '61 * * * *' } }, 'config.cron'],
    [
      'a filter that does not parse',
      { config: { kind: 'event', events: ['form.submitted'], filter: 'a ===' } },
      'config.filter',
    ],
    ['an input that does not parse', { config: manual, input: { a: [{ b: '{{ 1 + }}' }] } }, 'input.a[0].b'],
    [
      'a secret that is not base64',
      { config: hook({ type: 'hmac' }), secret: 'not base64, is it?'.replaceAll(' ', '_') },
      'secret',
    ],
    ['a secret that nobody asks for', { config: manual, secret: 'a-secret-without-use' }, 'secret'],
    ['a workflow that is not there', { config: manual, workflow_id: 'wf_none' }, 'workflow_id'],
  ])('400: %s', async (_why, fields, field) => {
    const json = { workflow_id: await draftWorkflow(harness()), name: 'Bad', ...fields };
    const { body } = await harness().refused('createTrigger', { json }, 400, 'validation_error');
    expect(body.error.details.errors).toEqual([expect.objectContaining({ field, location: 'body' })]);
  });
});

describe('listTriggers', () => {
  test('200: by workflow, kind and state', async () => {
    const workflow_id = await publishedWorkflow(harness());
    const one = await trigger(harness(), manual, { workflow_id });
    const other = await trigger(harness(), hook(), { workflow_id, enabled: false });
    const list = async (query: Record<string, string>): Promise<string[]> => {
      const { body } = await harness().call('listTriggers', { query: { workflow_id, ...query } });
      return body.data.map(({ id }: { id: string }) => id);
    };
    expect(await list({})).toEqual([other, one]);
    expect(await list({ kind: 'manual' })).toEqual([one]);
    expect(await list({ enabled: 'false' })).toEqual([other]);
    expect(await list({ workflow_id: 'none' })).toEqual([]);
  });
});

describe('updateTrigger', () => {
  test('200: what is given changes, the URL and the secret stay', async () => {
    const trigger_id = await trigger(harness(), hook({ type: 'bearer' }));
    const before = await harness().call('getTrigger', { path: { trigger_id } });
    const json = { config: hook({ type: 'api_key' }, { path: '/orders/{order_id}' }), input: { n: 1 } };
    const { body } = await harness().call('updateTrigger', { path: { trigger_id }, json });
    expect(body.data).toMatchObject({
      name: 'Fixture',
      url: before.body.data.url,
      has_secret: true,
      input: { n: 1 },
      config: { path: '/orders/{order_id}', auth: { type: 'api_key', header: 'X-API-Key' } },
    });
  });

  test('400: a config of another kind', async () => {
    const path = { trigger_id: await trigger(harness(), manual) };
    await harness().refused('updateTrigger', { path, json: { config: hook() } }, 400, 'validation_error');
  });

  test('400: a way of signing that the secret does not fit', async () => {
    const path = { trigger_id: await trigger(harness(), hook({ type: 'bearer' }), { secret: 'no-base64-at-all' }) };
    const json = { config: hook({ type: 'hmac' }) };
    const { body } = await harness().refused('updateTrigger', { path, json }, 400, 'validation_error');
    expect(body.error.details.errors).toEqual([expect.objectContaining({ field: 'secret' })]);
  });

  test('400: asking senders for a secret that there is not', async () => {
    const path = { trigger_id: await trigger(harness(), hook()) };
    const json = { config: hook({ type: 'bearer' }) };
    const { body } = await harness().refused('updateTrigger', { path, json }, 400, 'validation_error');
    expect(body.error.details.errors).toEqual([expect.objectContaining({ field: 'secret' })]);
    await harness().call('rotateTriggerSecret', { path, json: {} });
    expect((await harness().call('updateTrigger', { path, json })).status).toBe(200);
  });
});

describe('executeTrigger', () => {
  test('202: with the input given, or else its own', async () => {
    const trigger_id = await trigger(harness(), manual, { input: { n: '{{ trigger.type.length }}' } });
    const run = async (json: object | undefined): Promise<unknown> => {
      const { status, body } = await harness().call('executeTrigger', { path: { trigger_id }, json });
      expect({ status, by: body.data.started_by }).toEqual({ status: 202, by: { type: 'trigger', id: trigger_id } });
      return body.data.input;
    };
    expect(await run({ input: { n: 5 }, metadata: { why: 'test' } })).toEqual({ n: 5 });
    expect(await run(undefined)).toEqual({ n: 6 });
    const { body } = await harness().call('getTrigger', { path: { trigger_id } });
    expect(body.data).toMatchObject({ trigger_count: 2, last_triggered_at: expect.any(String) });
  });

  test('400: an input that the workflow does not take, and nothing is counted', async () => {
    const path = { trigger_id: await trigger(harness(), manual) };
    await harness().refused('executeTrigger', { path, json: { input: { n: 'x' } } }, 400, 'validation_error');
    expect((await harness().call('getTrigger', { path })).body.data.trigger_count).toBe(0);
  });

  test('409: disabled, and again after it was enabled', async () => {
    const path = { trigger_id: await trigger(harness(), manual) };
    const disabled = await harness().call('disableTrigger', { path });
    expect(disabled.body.data.enabled).toBe(false);
    await harness().refused('executeTrigger', { path, json: { input: { n: 1 } } }, 409, 'trigger_disabled');
    await harness().call('enableTrigger', { path });
    expect((await harness().call('executeTrigger', { path, json: { input: { n: 1 } } })).status).toBe(202);
  });

  test('409: a workflow that is not published', async () => {
    const path = { trigger_id: await trigger(harness(), manual, { workflow_id: await draftWorkflow(harness()) }) };
    await harness().refused('executeTrigger', { path, json: { input: {} } }, 409, 'workflow_not_published');
  });
});

describe('rotateTriggerSecret', () => {
  test('200: a new secret, and how long the old one works', async () => {
    const path = { trigger_id: await trigger(harness(), hook({ type: 'bearer' })) };
    const { body } = await harness().call('rotateTriggerSecret', { path, json: { overlap_seconds: 60 } });
    expect(body.data.secret).toMatch(/^[0-9A-Za-z]{40}$/);
    expect(Date.parse(body.data.trigger.previous_secret_expires_at)).toBeGreaterThan(Date.now());
    const ended = await harness().call('rotateTriggerSecret', { path, json: { overlap_seconds: 0 } });
    expect(ended.body.data.trigger.previous_secret_expires_at).toBeNull();
  });

  test('409: only webhook triggers have one', async () => {
    const path = { trigger_id: await trigger(harness(), manual) };
    await harness().refused('rotateTriggerSecret', { path, json: {} }, 409, 'trigger_without_secret');
  });
});

test('deleteWorkflow disables what starts it, and enabling that again is a 404', async () => {
  const workflow_id = await publishedWorkflow(harness());
  const path = { trigger_id: await trigger(harness(), { kind: 'schedule', interval: '1d' }, { workflow_id }) };
  await harness().call('deleteWorkflow', { path: { workflow_id } });
  const { body } = await harness().call('getTrigger', { path });
  expect(body.data).toMatchObject({ enabled: false, next_run_at: null });
  await harness().refused('enableTrigger', { path }, 404, 'resource_not_found');
});

test('deleteTrigger 204: it is not there any more', async () => {
  const path = { trigger_id: await trigger(harness(), manual) };
  expect((await harness().call('deleteTrigger', { path })).status).toBe(204);
  await harness().refused('getTrigger', { path }, 404, 'resource_not_found');
});
