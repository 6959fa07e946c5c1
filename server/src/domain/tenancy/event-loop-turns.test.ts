import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { EventLoopTurns } from './event-loop-turns.ts';
import { sharedResources } from './shared-resources.ts';

/** Milliseconds of processor time that a piece of work takes. */
let costMs = 0;
let usedMs = 0;
/** What work in progress has taken of the time that passes by itself. */
let tookMs = 0;
let turns: EventLoopTurns;
/** Whose work has begun, in order. */
let begun: string[];

beforeEach(() => {
  jest.useFakeTimers();
  costMs = 0;
  usedMs = 0;
  tookMs = 0;
  begun = [];
  turns = loopOf(0);
});

function loopOf(fewPieces: number): EventLoopTurns {
  const processorMs = (): number => usedMs;
  return new EventLoopTurns('test_loop', { processorMs, now: () => performance.now() + tookMs, fewPieces });
}

afterEach(() => {
  jest.useRealTimers();
});

/** Iterations of a millisecond each; without a count, what is due in this one. */
async function iterations(count = 0): Promise<void> {
  await jest.advanceTimersByTimeAsync(count);
}

/** Goes on until the work is done. */
async function finish(all: Promise<unknown>): Promise<void> {
  const state = { isDone: false };
  void all.then(() => (state.isDone = true));
  for (let ms = 0; !state.isDone && ms < 60_000; ms += 1) await iterations(1);
  await all;
}

/** One piece of work: asks for its turn, and then keeps the loop busy. */
async function work(organisationId: string): Promise<void> {
  const turn = turns.turn(organisationId);
  if (turn) await turn;
  begun.push(organisationId);
  usedMs += costMs;
}

function want(organisationId: string, count: number): Promise<unknown> {
  return Promise.all(Array.from({ length: count }, () => work(organisationId)));
}

/** So that the loop is known to be slow, and both organisations to be there. */
async function keepBusy(...organisations: string[]): Promise<void> {
  costMs = 100;
  for (const organisationId of organisations) await finish(want(organisationId, 3));
  await iterations();
  begun = [];
}

describe('on an event loop', () => {
  test('all work of an organisation that is alone begins at once, however slow the loop is', async () => {
    await keepBusy('a');
    void want('a', 500);
    expect(begun).toHaveLength(500);
  });

  test('one that is alone lets the next iteration come every 10 ms, and waits for no other', async () => {
    await keepBusy('a');
    /** How many pieces of work began one after the other, without the next iteration between them. */
    const atOnce = [0];
    const busy = async (): Promise<void> => {
      for (let n = 0; n < 50; n += 1) {
        const turn = turns.turn('a');
        if (turn) {
          await turn;
          atOnce.push(0);
        }
        atOnce.push(atOnce.pop()! + 1);
        tookMs += 1;
      }
    };
    await finish(busy());
    expect(Math.max(...atOnce)).toBeLessThan(12);
    expect(atOnce.length).toBeLessThan(10);
  });

  test('whether several are at work is known for a second or two', async () => {
    void want('a', 5);
    expect(turns.isShared).toBe(false);
    void want('b', 1);
    expect(turns.isShared).toBe(true);
    tookMs += 1_000;
    expect(turns.isShared).toBe(true);
    tookMs += 1_000;
    expect(turns.isShared).toBe(false);
  });

  test('all work of several begins at once while iterations are short', () => {
    void want('a', 20);
    void want('b', 20);
    expect(begun).toHaveLength(40);
  });

  test('little of one that wants much begins in an iteration while they are long, and another one waits for none of it', async () => {
    await keepBusy('loud', 'quiet');
    const all = want('loud', 50);
    await iterations(20);
    const before = begun.length;
    expect(before).toBeLessThan(25);
    expect(turns.load().waiting).toBe(50 - before);
    void work('other');
    expect(begun.at(-1)).toBe('other');
    expect(sharedResources.slots.get('test_loop')!()).toMatchObject({ waiting: 50 - before });
    await finish(all);
    expect(begun).toHaveLength(51);
  });

  test('organisations that want much take turns', async () => {
    await keepBusy('a', 'b', 'c');
    await finish(Promise.all([want('a', 30), want('b', 10), want('c', 10)]));
    const waited = begun.join('').replace(/^a+/, '');
    expect(waited.slice(0, 24)).not.toMatch(/(.)\1/);
    for (const organisationId of ['b', 'c'])
      expect(begun.lastIndexOf(organisationId)).toBeLessThan(begun.lastIndexOf('a'));
    expect(Math.abs(begun.lastIndexOf('b') - begun.lastIndexOf('c'))).toBeLessThan(4);
  });

  test('one that has begun little of late goes before the work that others wait with', async () => {
    await keepBusy('loud', 'quiet');
    await finish(want('loud', 20));
    const rest = want('loud', 20);
    await iterations();
    const { waiting } = turns.load();
    expect(waiting).toBeGreaterThan(0);
    void work('quiet');
    expect(begun.at(-1)).toBe('quiet');
    expect(turns.load().waiting).toBe(waiting);
    await finish(rest);
  });

  test('work goes on beside what keeps the loop busy without taking turns', async () => {
    await keepBusy('a', 'b');
    const all = want('a', 5);
    let count = 0;
    for (; begun.length < 5; count += 1) {
      usedMs += 100;
      tookMs += 20;
      await iterations(1);
    }
    // By the pace alone, one would begin in 64 iterations.
    expect(count).toBeLessThan(100);
    await finish(all);
  });

  test('work goes on as before once iterations are short again', async () => {
    await keepBusy('a', 'b');
    await finish(want('a', 5));
    costMs = 0;
    for (let n = 0; n < 10; n += 1) {
      tookMs += 100;
      await iterations(3);
    }
    begun = [];
    void want('a', 30);
    expect(begun).toHaveLength(30);
  });

  test('a few heavy pieces of work of one make another wait that begins more light ones, but not as long as these are few', async () => {
    turns = loopOf(60);
    await keepBusy('heavy', 'quiet');
    void want('heavy', 3);
    await finish(want('quiet', 5));
    begun = [];
    costMs = 0;
    void want('quiet', 7);
    // With those before, 15 of the 60 that would be few for two.
    expect(begun).toHaveLength(7);
    void want('quiet', 1);
    expect(begun).toHaveLength(7);
  });
});
