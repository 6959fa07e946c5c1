import { expect, test } from '@jest/globals';
import { shareEqualParts } from './shared-parts.ts';

test('equal parts become one object, whatever ids were made up for them; all else stays', () => {
  const header = (id: string, name: string) => ({
    id,
    name,
    schema: { type: 'string', 'x-stoplight': { id: `${id}0` } },
  });
  const given = {
    first: [header('0123456789abc', 'A'), header('cba9876543210', 'B')],
    second: [header('aaaaaaaaaaaaa', 'A'), header('bbbbbbbbbbbbb', 'B')],
    others: [1, '1', null, undefined, true, [], {}, { id: 'key_1' }, { id: { type: 'string' } }],
  };
  const shared = shareEqualParts(given);
  expect(shared.first).toBe(shared.second);
  expect(shared.first[0]!.schema).toBe(shared.first[1]!.schema);
  expect(shared.first).toEqual([
    { name: 'A', schema: { type: 'string' } },
    { name: 'B', schema: { type: 'string' } },
  ]);
  expect(shared.others).toEqual(given.others);
});

test('parts that differ in one value, in a name or in their order stay apart', () => {
  const given = [{ a: 1 }, { a: '1' }, { b: 1 }, [1, 2], [2, 1], { a: 1, b: 2 }, ['a', 1], [{ a: 1 }]];
  expect(new Set(shareEqualParts(given)).size).toBe(given.length);
  expect(shareEqualParts(given)).toEqual(given);
});
