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

test('ten slots are divided, nine are not', () => {
  expect([new RunShares(10).roomOf('a'), new RunShares(9).roomOf('a')]).toEqual([8, 9]);
  expect(new RunShares(10).roomOf()).toBe(10);
});

test('one slot is left for whoever comes with nothing, and none for those that have something', () => {
  const shares = new RunShares(10);
  shares.add('a', 8);
  shares.add('b', 1);
  expect([shares.roomOf('a'), shares.roomOf('b'), shares.roomOf('c')]).toEqual([0, 0, 1]);
  shares.add('c', 1);
  expect([shares.roomOf('d'), shares.roomOf(), shares.used]).toEqual([0, 0, 10]);
  shares.add('b', -1);
  expect(shares.roomOf('b')).toBe(1);
});

test('more than there are slots are counted as they are', () => {
  const shares = new RunShares(10);
  shares.add('a', 12);
  expect([shares.used, shares.roomOf('a'), shares.roomOf('b')]).toEqual([12, -2, -2]);
});
