import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { Controller } from '@nestjs/common';

import { errors, start, type RunningApplication } from '../testing/application.ts';
import { contract, operation } from '../testing/descriptors.ts';
import {
  defineOperation,
  type IdempotencyOutcome,
  type IdempotencyStore,
  type IdempotentRequest,
  type OperationRequest,
  type StoredResponse,
} from './index.ts';

interface Order {
  readonly id: number;
  readonly secret?: string;
}
type Answer =
  | { readonly status: 200; readonly body: Order }
  | { readonly status: 202; readonly body: Order; readonly headers?: { readonly Location: string } };

const order = {
  type: 'object',
  properties: { id: { type: 'integer' }, meta: { type: 'object' } },
  required: ['id', 'meta'],
};
const CreateOrder = defineOperation<OperationRequest, Answer>(
  operation({
    id: 'createOrder',
    method: 'POST',
    path: '/orders',
    idempotent: true,
    parameters: [
      { in: 'header', name: 'Idempotency-Key', schema: { type: 'string', maxLength: 20 } },
      { in: 'query', name: 'mode', schema: { type: 'string' } },
    ],
    body: { required: false, content: { 'application/json': { type: 'object' } } },
    responses: {
      200: { content: { 'application/json': order }, supplied: ['meta'] },
      202: {
        content: { 'application/json': order },
        supplied: ['meta'],
        headers: { Location: { schema: { type: 'string' } } },
      },
    },
    errors: { out_of_stock: 409 },
  }),
);

/** The smallest store that keeps the promises of the port. */
class MemoryStore implements IdempotencyStore {
  readonly entries = new Map<string, { fingerprint: string; response?: StoredResponse }>();
  inTransaction = false;

  async run(
    { key, fingerprint }: IdempotentRequest,
    execute: () => Promise<StoredResponse>,
  ): Promise<IdempotencyOutcome> {
    const entry = this.entries.get(key);
    if (entry !== undefined) {
      if (entry.fingerprint !== fingerprint) return { kind: 'mismatch' };
      return entry.response === undefined
        ? { kind: 'in_flight', retryAfter: 3 }
        : { kind: 'replayed', response: entry.response };
    }
    this.entries.set(key, { fingerprint });
    this.inTransaction = true;
    try {
      const response = await execute();
      this.entries.set(key, { fingerprint, response });
      return { kind: 'executed', response };
    } catch (error) {
      this.entries.delete(key);
      throw error;
    } finally {
      this.inTransaction = false;
    }
  }
}

let store = new MemoryStore();
let created = 0;
const waiting: (() => void)[] = [];
const transactions: boolean[] = [];

@Controller()
class Orders {
  @CreateOrder()
  async createOrder({ query }: OperationRequest): Promise<Answer> {
    created += 1;
    transactions.push(store.inTransaction);
    const { mode } = query;
    if (mode === 'fail') throw Object.assign(new Error('Nothing left.'), { code: 'out_of_stock' });
    if (mode === 'slow') await new Promise<void>((resolve) => waiting.push(resolve));
    const response = CreateOrder.respond(202, { id: created, secret: 'x' }, { Location: `/orders/${created}` });
    if (mode !== 'wait') return response;
    return response.whenCommitted(async () => {
      transactions.push(store.inTransaction);
      return CreateOrder.respond(200, { id: -created });
    });
  }
}

let running: RunningApplication;
beforeAll(async () => {
  let requests = 0;
  running = await start([Orders], {
    contracts: [
      {
        descriptor: contract('orders', [CreateOrder.descriptor]),
        errors,
        supply: { meta: () => ({ request: (requests += 1) }) },
      },
    ],
    idempotency: { store: { run: (request, execute) => store.run(request, execute) } },
    responseValidation: 'log',
    observer: { invalidResponse: (problems) => expect(problems).toEqual([]) },
  });
});
afterAll(() => running.close());
beforeEach(() => {
  store = new MemoryStore();
  created = 0;
  transactions.length = 0;
});

async function post(path: string, key?: string, body: unknown = {}) {
  const headers = { 'content-type': 'application/json', ...(key !== undefined && { 'idempotency-key': key }) };
  const response = await running.fetch(path, { method: 'POST', headers, body: JSON.stringify(body) });
  return {
    status: response.status,
    headers: response.headers,
    body: (await response.json()) as Record<string, unknown>,
  };
}

test('202: a repetition gets the stored response, with what the runtime supplies made anew', async () => {
  const first = await post('/orders', 'a');
  const second = await post('/orders', 'a');
  expect(created).toBe(1);
  expect([first.status, second.status]).toEqual([202, 202]);
  expect([first.body['id'], second.body['id']]).toEqual([1, 1]);
  expect(first.body['meta']).not.toEqual(second.body['meta']);
  expect([first.headers.get('idempotent-replayed'), second.headers.get('idempotent-replayed')]).toEqual([null, 'true']);
  expect(second.headers.get('location')).toBe('/orders/1');
});

test('202: only what the contract declares is stored', async () => {
  await post('/orders', 'a');
  expect(store.entries.get('a')?.response).toEqual({
    status: 202,
    contentType: 'application/json',
    headers: { Location: '/orders/1' },
    body: { id: 1 },
  });
});

test('422: the key of another request', async () => {
  await post('/orders', 'a');
  expect(await post('/orders', 'a', { other: true })).toMatchObject({
    status: 422,
    body: { code: 'idempotency_key_reused' },
  });
  expect(await post('/orders?mode=x', 'a')).toMatchObject({ status: 422 });
});

test('409: while the first request runs', async () => {
  const first = post('/orders?mode=slow', 'a');
  while (waiting.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  const twin = await post('/orders?mode=slow', 'a');
  expect(twin).toMatchObject({ status: 409, body: { code: 'idempotency_in_flight', details: { retryAfter: 3 } } });
  expect(twin.headers.get('retry-after')).toBe('3');
  waiting.shift()!();
  expect((await first).status).toBe(202);
});

test('a request that fails is not stored', async () => {
  expect(await post('/orders?mode=fail', 'a')).toMatchObject({ status: 409, body: { code: 'out_of_stock' } });
  expect(store.entries.size).toBe(0);
});

test('200: whenCommitted answers after the transaction, a repetition gets what was stored', async () => {
  expect(await post('/orders?mode=wait', 'a')).toMatchObject({ status: 200, body: { id: -1 } });
  expect(transactions).toEqual([true, false]);
  expect(await post('/orders?mode=wait', 'a')).toMatchObject({ status: 202, body: { id: 1 } });
  expect(await post('/orders?mode=wait')).toMatchObject({ status: 200, body: { id: -2 } });
});

test('without a key nothing is stored; a key that the contract does not allow is refused', async () => {
  await post('/orders');
  await post('/orders');
  expect([created, store.entries.size]).toEqual([2, 0]);
  expect(await post('/orders', 'x'.repeat(21))).toMatchObject({
    status: 400,
    body: {
      details: {
        errors: [{ field: 'Idempotency-Key', message: 'must have at most 20 characters', location: 'header' }],
      },
    },
  });
});
