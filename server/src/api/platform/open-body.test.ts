import { expect, test } from '@jest/globals';
import { readBody } from './open-body.ts';

const json = (text: string): Parameters<typeof readBody>[0] => ({
  body: Buffer.from(text),
  headers: { 'content-type': 'application/json' },
});
const withNames = (count: number): string => `{${Array.from({ length: count }, (_, id) => `"k${id}":1`).join(',')}}`;

test('an object of a body has as many names as may be read, and not one more', async () => {
  expect(Object.keys((await readBody(json(withNames(20_000)))) as object)).toHaveLength(20_000);
  await expect(readBody(json(withNames(20_001)))).rejects.toMatchObject({
    code: 'validation_error',
    message: 'The body of the request has an object with more than 20,000 names.',
  });
});

test.each([
  ['{"a":', 'is not JSON'],
  ['\xff', 'is not UTF-8'],
])('%j is refused', async (text, problem) => {
  const body = Buffer.from(text, 'latin1');
  await expect(readBody({ body, headers: { 'content-type': 'application/json' } })).rejects.toMatchObject({
    message: `The body of the request ${problem}.`,
  });
});
