import { expect, test } from '@jest/globals';
import { operations, wire } from '../../test/pets-contract.ts';
import type { Operation, ResponseContent } from './operation.ts';
import { readResult } from './response.ts';

const content = (kind: ResponseContent['kind'], envelope = false): ResponseContent => ({ kind, envelope });
const operation: Operation = {
  ...operations.getPet,
  responses: {
    'application/json': content('json', true),
    'application/plain+json': content('json'),
    'image/png': content('binary'),
    'text/csv': content('text'),
  },
};

async function result(type: string, body: string, status = 200): Promise<unknown> {
  const response = new Response(status === 204 ? null : body, {
    status,
    headers: { 'content-type': type, 'x-request-id': 'req-1' },
  });
  const { data, envelope, requestId } = await readResult(response, operation, wire);
  expect(requestId).toBe('req-1');
  return [data, envelope];
}

test.each<[string, string, unknown]>([
  ['application/json', '{"data":1,"meta":{"a":2}}', [1, { meta: { a: 2 } }]],
  ['Application/JSON; charset=utf-8', '{"data":1}', [1, {}]],
  ['application/json', '', [undefined, undefined]],
  ['application/json', 'null', [null, undefined]],
  ['application/json', '7', [7, undefined]],
  ['application/plain+json', '{"data":1}', [{ data: 1 }, undefined]],
  ['text/csv', 'a,b', ['a,b', undefined]],
  ['text/plain', '{"data":1}', ['{"data":1}', undefined]],
  ['application/other+json', '{"data":1}', [{ data: 1 }, undefined]],
  ['application/jsonl', '{"data":1}', ['{"data":1}', undefined]],
])('%s: %j is %j', async (type, body, expected) => {
  expect(await result(type, body)).toEqual(expected);
});

test('what is binary is a Blob', async () => {
  const [data] = (await result('image/png', 'pixels')) as [Blob];
  expect(data).toBeInstanceOf(Blob);
  expect(await data.text()).toBe('pixels');
});

test('204 is nothing, whatever its media type says', async () => {
  expect(await result('application/json', '', 204)).toEqual([undefined, undefined]);
});

test('without a header there is no request id', async () => {
  const response = new Response('x', { headers: { 'content-type': 'text/csv' } });
  expect((await readResult(response, operation, wire)).requestId).toBeUndefined();
});
