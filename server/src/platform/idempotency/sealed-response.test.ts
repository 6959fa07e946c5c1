import { expect, test } from '@jest/globals';
import { seal, unseal } from './sealed-response.ts';

const response = { status: 201, headers: { Location: '/v1/x' }, body: { secret: 'fp_live_shown_once' } };

test('a response opens with its key and its record alone, as it was', () => {
  const sealed = seal(response, 'key', 'record');
  expect(unseal(sealed, 'key', 'record')).toEqual(response);
  expect(sealed.includes('shown_once')).toBe(false);
  expect(seal(response, 'key', 'record')).not.toEqual(sealed);
  expect(() => unseal(sealed, 'other', 'record')).toThrow();
  expect(() => unseal(sealed, 'key', 'other')).toThrow();
});

test.each([0, 11, 12, 27, 28, -1])('with its byte %i changed it does not open', (at) => {
  const sealed = seal(response, 'key', 'record');
  const index = at < 0 ? sealed.length + at : at;
  sealed[index] = sealed[index]! ^ 1;
  expect(() => unseal(sealed, 'key', 'record')).toThrow();
});

test('it has a nonce of 12 bytes and a tag of 16', () => {
  const own = JSON.stringify(response).length;
  expect(seal(response, 'key', 'record')).toHaveLength(12 + 16 + own);
});
