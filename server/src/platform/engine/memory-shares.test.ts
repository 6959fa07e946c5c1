import { getHeapStatistics } from 'node:v8';
import { expect, test } from '@jest/globals';
import { type HeldMemory, memoryBound, MemoryShares } from './memory-shares.ts';

const bound = 1_000_000;
const never = new AbortController().signal;

/** Lets runs of a tenant make values of that size as long as they need not wait: how many those are. */
function fill(shares: MemoryShares, tenant: string, bytes: number): number {
  for (let count = 0; count < 1_000; count++) {
    const run = shares.open(tenant);
    if (!makes(run, bytes)) return count;
  }
  throw new Error('It never has to wait.');
}

/** Makes a value if there is room for it now; otherwise it waits in vain. */
function makes(run: HeldMemory, bytes: number): boolean {
  const waits = run.enter(never);
  if (waits) return false;
  run.add(bytes);
  run.leave();
  return true;
}

/** Whether what is waited for has come, once everything that is ready has been done. */
async function isOver(waits: Promise<void> | undefined): Promise<boolean> {
  let over = waits === undefined;
  void waits?.then(() => (over = true));
  await new Promise((resolve) => setImmediate(resolve));
  return over;
}

test('a tenant leaves a fifth to the others, and the next a fifth of that', () => {
  const shares = new MemoryShares(bound);
  const counts = ['a', 'b'].map((tenant) => fill(shares, tenant, 20_000));
  // The oldest of each goes on beyond its share, but this is what all of them may.
  expect(counts[0]).toBeGreaterThanOrEqual(38);
  expect(counts[0]).toBeLessThanOrEqual(41);
  expect(counts[1]).toBeGreaterThanOrEqual(6);
  expect(counts[1]).toBeLessThanOrEqual(9);
  expect(shares.load().held).toBeLessThan(bound);
});

test('a tenant that holds next to nothing never waits, however full it is', () => {
  const shares = new MemoryShares(bound);
  fill(shares, 'a', 20_000);
  shares.open('a').add(bound);
  const quiet = shares.open('b');
  for (let each = 0; each < 80; each++) quiet.add(1);
  expect(fill(shares, 'b', 100)).toBeGreaterThan(50);
});

test('what is being made has room set aside for it, as large as what came before', () => {
  const shares = new MemoryShares(bound);
  const oldest = shares.open('a');
  expect(makes(oldest, 200_000)).toBe(true);
  const passes = Array.from({ length: 10 }, () => shares.open('a').enter(never));
  // 200,000 are held and 200,000 are expected of each: three fit below four fifths.
  expect(passes.filter((waits) => waits === undefined)).toHaveLength(3);
});

test('the oldest run of a tenant goes on while its others wait, and they follow in their order when it ends', async () => {
  const shares = new MemoryShares(bound);
  const [first, second, third] = [shares.open('a'), shares.open('a'), shares.open('a')];
  for (const run of [first, second, third]) run.add(300_000);
  const waits = { third: third.enter(never), second: second.enter(never) };
  expect(makes(first, 300_000)).toBe(true);
  expect(makes(first, 300_000)).toBe(true);
  expect([await isOver(waits.second), await isOver(waits.third)]).toEqual([false, false]);
  expect(shares.load().waiting).toBe(2);
  first.end();
  // It is the oldest now, although the other has asked before.
  expect([await isOver(waits.second), await isOver(waits.third)]).toEqual([true, false]);
  second.end();
  expect(await isOver(waits.third)).toBe(true);
  third.end();
  expect(shares.load()).toMatchObject({ held: 0, waiting: 0, oldestMs: 0 });
});

test('beyond twice the bound the oldest run of the process alone goes on', async () => {
  const shares = new MemoryShares(bound);
  const oldest = shares.open('a');
  const others = ['b', 'c', 'd'].map((tenant) => shares.open(tenant));
  for (const run of [oldest, ...others]) run.add(600_000);
  const waits = others.map((run) => run.enter(never));
  expect(makes(oldest, 600_000)).toBe(true);
  expect(await Promise.all(waits.map(isOver))).toEqual([false, false, false]);
  oldest.end();
  expect((await Promise.all(waits.map(isOver))).filter(Boolean)).toHaveLength(1);
});

test('there is room for as many runs as their first values fit, and for one of a tenant that has none', () => {
  const shares = new MemoryShares(bound);
  const first = shares.open('a');
  expect(makes(first, 100_000)).toBe(true);
  // 100,000 are held: seven more make four fifths.
  expect(shares.roomOf('a')).toBe(7);
  first.add(900_000);
  expect(shares.roomOf('a')).toBe(0);
  expect(shares.roomOf('b')).toBe(1);
  const other = shares.open('b');
  expect(shares.roomOf('b')).toBe(0);
  for (let each = 0; each < 100; each++) other.add(1);
  expect(shares.roomOf('b')).toBeGreaterThan(50);
});

test('what a run has behind it waits for room of its size', async () => {
  const shares = new MemoryShares(bound);
  const oldest = shares.open('a');
  oldest.add(500_000);
  const resumed = shares.open('a');
  const waits = resumed.reserve(never, 400_000);
  expect(await isOver(waits)).toBe(false);
  expect(shares.load().held).toBe(500_000);
  oldest.add(-400_000);
  expect(await isOver(waits)).toBe(true);
  expect(shares.load().held).toBe(500_000);
  expect(await isOver(shares.open('a').reserve(never, 100))).toBe(true);
});

test('a run that is to be left waits no longer, and what ended takes nothing any more', async () => {
  const shares = new MemoryShares(bound);
  shares.open('a').add(900_000);
  const left = shares.open('a');
  const leaving = new AbortController();
  const waits = left.enter(leaving.signal);
  leaving.abort(new Error('left'));
  await expect(waits).rejects.toThrow('left');
  expect(shares.load().waiting).toBe(0);
  left.end();
  left.add(5);
  left.leave();
  expect(left.enter(never)).toBeUndefined();
  expect(shares.load()).toMatchObject({ held: 900_000, waiting: 0 });
});

test('alone a tenant has four fifths, to the byte', () => {
  for (const [bytes, fits] of [
    [799_999, true],
    [800_000, false],
  ] as const) {
    const shares = new MemoryShares(bound);
    shares.open('a').add(1);
    const waits = shares.open('a').reserve(never, bytes);
    waits?.catch(() => undefined);
    expect([bytes, waits === undefined]).toEqual([bytes, fits]);
  }
});

test('a hundredth of the bound is taken however full it is, to the byte', () => {
  for (const [bytes, fits] of [
    [9_999, true],
    [10_000, false],
  ] as const) {
    const shares = new MemoryShares(bound);
    shares.open('full').add(3 * bound);
    shares.open('a').add(1);
    const waits = shares.open('a').reserve(never, bytes);
    waits?.catch(() => undefined);
    expect([bytes, waits === undefined]).toEqual([bytes, fits]);
  }
});

test('the oldest run of a tenant goes on up to twice the bound, to the byte', () => {
  for (const [bytes, fits] of [
    [100_000, true],
    [100_001, false],
  ] as const) {
    const shares = new MemoryShares(bound);
    shares.open('full').add(1_800_000);
    const oldest = shares.open('a');
    oldest.add(100_000);
    const waits = oldest.reserve(never, bytes);
    waits?.catch(() => undefined);
    expect([bytes, waits === undefined]).toEqual([bytes, fits]);
  }
});

test('a sixteenth is expected of a first value, then as much as the largest, which is forgotten by and by', () => {
  const shares = new MemoryShares(bound);
  // 62,500 each: 12 of them and what they are expected to make fit into four fifths.
  expect(shares.roomOf('new')).toBe(12);
  const run = shares.open('a');
  run.add(215_000);
  // 215,000 are held, and as much is expected of each.
  expect(shares.roomOf('a')).toBe(2);
  run.add(-215_000);
  expect(shares.roomOf('a')).toBe(3);
  // Then 201,562 and 188,964 are.
  run.add(1);
  expect(shares.roomOf('a')).toBe(3);
  run.add(1);
  expect(shares.roomOf('a')).toBe(4);
});

test('what is being made counts until it is made, and not twice', () => {
  const shares = new MemoryShares(bound);
  const run = shares.open('a');
  expect(run.enter(never)).toBeUndefined();
  expect(run.enter(never)).toBeUndefined();
  // 125,000 are expected of what is being made: ten more make four fifths.
  expect(shares.roomOf('a')).toBe(10);
  run.leave();
  run.leave();
  run.leave();
  expect(shares.roomOf('a')).toBe(12);
  expect(run.enter(never)).toBeUndefined();
  run.end();
  run.end();
  expect(shares.roomOf('a')).toBe(12);
  expect(shares.load()).toMatchObject({ held: 0, waiting: 0 });
});

test('those of a tenant that wait are served in their order, and for how long the first has waited is told', async () => {
  const shares = new MemoryShares(bound);
  const oldest = shares.open('a');
  oldest.add(790_000);
  const [large, small] = [shares.open('a'), shares.open('a')];
  const waits = { large: large.reserve(never, 100_000), small: small.reserve(never, 5) };
  expect(await isOver(waits.small)).toBe(false);
  const load = shares.load();
  expect(load).toMatchObject({ waiting: 2, bound });
  await new Promise((resolve) => setTimeout(resolve, 5));
  expect(shares.load().oldestMs).toBeGreaterThan(load.oldestMs);
  oldest.add(-50_000);
  expect([await isOver(waits.large), await isOver(waits.small)]).toEqual([false, false]);
  oldest.add(-50_000);
  expect([await isOver(waits.large), await isOver(waits.small)]).toEqual([true, true]);
  expect(shares.load()).toMatchObject({ held: 790_005, waiting: 0, oldestMs: 0 });
});

test('the branches of a run that ends wait no longer, and make way for others', async () => {
  const shares = new MemoryShares(bound);
  shares.open('a').add(900_000);
  const run = shares.open('a');
  const waits = [run.enter(never), run.enter(never)];
  expect(shares.load().waiting).toBe(2);
  run.end();
  expect(shares.load()).toMatchObject({ held: 900_000, waiting: 0 });
  expect(await Promise.all(waits.map(isOver))).toEqual([false, false]);
});

test('a signal that has fired already is heard by whoever would have to wait', async () => {
  const shares = new MemoryShares(bound);
  shares.open('a').add(900_000);
  const leaving = AbortSignal.abort(new Error('left'));
  await expect(shares.open('a').enter(leaving)).rejects.toThrow('left');
  expect(shares.load().waiting).toBe(0);
});

test('a process has an eighth of its heap for what its runs hold', () => {
  expect(memoryBound()).toBe(Math.floor(getHeapStatistics().heap_size_limit / 8));
});
