import { expect, test } from '@jest/globals';
import { maxJsonLength } from '../../../test/max-json-length.ts';
import { jsonSerializer } from './json-serializer.ts';

test('a large outcome is written and read in pieces, and stays what it is', async () => {
  const rows = Array.from({ length: 40_000 }, (_, id) => ({ id, text: '\ud83d\0', tags: [null, 2 ** 53, -1e-7] }));
  const outcome = { ok: true, value: JSON.parse(`{"__proto__":1,"rows":${JSON.stringify(rows)}}`) as unknown, at: 5 };
  let text = '';
  let read: unknown;
  const longest = await maxJsonLength(async () => {
    text = await jsonSerializer.stringify(outcome);
    read = await jsonSerializer.parse(text);
  });
  expect(longest).toBeLessThan(text.length / 4);
  expect(text).toBe(JSON.stringify(outcome));
  expect(read).toStrictEqual(outcome);
});

test.each([undefined, null, 'text', { a: [1] }])('%j is written at once', async (value) => {
  const text = jsonSerializer.stringify(value) as string;
  expect(text).toBe(JSON.stringify(value ?? null));
  expect(await jsonSerializer.parse(text)).toStrictEqual(value ?? null);
});
