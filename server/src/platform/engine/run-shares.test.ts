import { expect, test } from '@jest/globals';
import { RunShares } from './run-shares.ts';

/** Takes as much as there is for the tenant. */
function fill(shares: RunShares, tenant: string): number {
  const room = shares.roomOf(tenant);
  shares.add(tenant, room);
  return room;
}

test('one tenant leaves a fifth, the next a fifth of that, and there is one for whoever comes with nothing', () => {
  const shares = new RunShares(100);
  expect(['a', 'b', 'c', 'd'].map((tenant) => fill(shares, tenant))).toEqual([80, 16, 3, 1]);
  expect(shares.roomOf('e')).toBe(0);
  shares.add('a', -1);
  expect(shares.roomOf('a')).toBe(0);
  expect(shares.roomOf('e')).toBe(1);
});

test('who has its share gets no more of what others give back, until all have less', () => {
  const shares = new RunShares(100);
  fill(shares, 'a');
  expect(shares.roomOf('a')).toBe(0);
  shares.add('a', -20);
  expect(shares.roomOf('a')).toBe(20);
  expect(shares.used).toBe(60);
});

test('runs without a tenant, and a handful of slots, are not divided', () => {
  expect(new RunShares(100).roomOf('')).toBe(100);
  expect(new RunShares(2).roomOf('a')).toBe(2);
  expect(new RunShares(0).roomOf('a')).toBe(0);
});
