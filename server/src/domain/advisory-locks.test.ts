import { expect, test } from '@jest/globals';
import { advisoryLocks } from './advisory-locks.ts';

test('no two purposes share a lock: one would wait for the other, and a leader holds its lock for good', () => {
  const keys = Object.values(advisoryLocks);
  expect(new Set(keys).size).toBe(keys.length);
});
