import { describe, expect, test } from '@jest/globals';
import { useContractHarness } from '../harness/contract-harness.ts';
import { callback, callbackUrl } from '../harness/resources.ts';

const harness = useContractHarness();

describe('sendCallback', () => {
  test('200: the execution goes on with the body, whoever sends it', async () => {
    const path = { callback_token: await callback(harness()) };
    const { body } = await harness().call('sendCallback', { path, json: { amount: 5 }, apiKey: null });
    expect(body.data).toEqual({ received_at: expect.any(String) });
  });

  test('200: at the URL that the execution was given, as it is', async () => {
    const url = await callbackUrl(harness());
    expect(url).toContain(`${harness().server.url}/v1/callbacks/`);
    expect((await fetch(url, { method: 'POST' })).status).toBe(200);
  });

  test('200: any JSON, and none', async () => {
    for (const json of [[1, 2], 'text', null, undefined])
      await harness().call('sendCallback', { path: { callback_token: await callback(harness()) }, json });
  });

  test('400: a body that does not satisfy the schema of the node', async () => {
    const schema = { type: 'object', properties: { amount: { type: 'number' } }, required: ['amount'] };
    const path = { callback_token: await callback(harness(), { payload_schema: schema }) };
    const { body } = await harness().refused(
      'sendCallback',
      { path, json: { amount: 'much' } },
      400,
      'validation_error',
    );
    expect(body.error.details.errors).toMatchObject([{ field: 'amount', location: 'body' }]);
    await harness().call('sendCallback', { path, json: { amount: 1 } });
  });

  test('404: a token of nobody; 409: the second time', async () => {
    await harness().refused(
      'sendCallback',
      { path: { callback_token: 'nobody' }, json: {} },
      404,
      'resource_not_found',
    );
    const path = { callback_token: await callback(harness()) };
    await harness().call('sendCallback', { path, json: {} });
    const { body } = await harness().refused('sendCallback', { path, json: {} }, 409, 'wait_closed');
    expect(body.error.details.status).toBe('received');
  });
});
