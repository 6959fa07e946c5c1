import { beforeEach, expect, test } from '@jest/globals';
import type { Frame } from './frame.ts';
import { HeldValues } from './held-values.ts';
import type { NodeRun } from './node-run.ts';

let held: number;
let making: number;
let free: Promise<void> | undefined;
let stored: Promise<void> | undefined;
let leaving: AbortController;
let values: HeldValues;

beforeEach(() => {
  [held, making, free, stored] = [0, 0, undefined, undefined];
  leaving = new AbortController();
  const memory = {
    add: (bytes: number) => void (held += bytes),
    enter: () => {
      making += 1;
      return free;
    },
    leave: () => void (making -= 1),
    reserve: () => undefined,
  };
  values = new HeldValues({ memory, signal: leaving.signal }, () => stored);
});

const frame = (): Frame => ({ heldBytes: 0 }) as Frame;
const run = (): NodeRun & { stop: () => void } => {
  const cancelling = new AbortController();
  return { heldBytes: 0, cancelled: cancelling.signal, stop: () => cancelling.abort() } as never;
};

test('values of a frame are held until it is over, which counts once', () => {
  const [one, other] = [frame(), frame()];
  values.inFrame(one, 10);
  values.inFrame(one, 5);
  values.inFrame(other, 3);
  expect(held).toBe(18);
  values.frameOver(one);
  expect(held).toBe(3);
  values.frameOver(one);
  expect(held).toBe(3);
});

test('outcomes of a node are held until it takes them up, which counts once', () => {
  const [one, other] = [run(), run()];
  values.outcome(one, 10);
  values.outcome(one, 5);
  values.outcome(other, 3);
  expect(held).toBe(18);
  values.takenUp(one);
  values.takenUp(one);
  expect(held).toBe(3);
});

test('what comes for a node that was cancelled is held by nobody', () => {
  const one = run();
  one.stop();
  values.outcome(one, 10);
  expect([held, one.heldBytes]).toEqual([0, 0]);
});

test('where there is room nobody waits', async () => {
  expect(await values.entered()).toBe(false);
  expect(making).toBe(1);
  values.left();
  expect(making).toBe(0);
});

test('a node waits until what was reported is stored, and only then for memory', async () => {
  const [storing, freeing] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  stored = storing.promise;
  free = freeing.promise;
  let waited: boolean | undefined;
  const entering = values.entered().then((answer) => (waited = answer));
  await Promise.resolve();
  expect(making).toBe(0);
  storing.resolve();
  await new Promise((resolve) => setImmediate(resolve));
  expect([making, waited]).toEqual([1, undefined]);
  freeing.resolve();
  await entering;
  expect(waited).toBe(true);
});

test('that it had to wait for either is told', async () => {
  stored = Promise.resolve();
  expect(await values.entered()).toBe(true);
  stored = undefined;
  free = Promise.resolve();
  expect(await values.entered()).toBe(true);
});

test('a run that is to be left while it waits enters nothing', async () => {
  stored = Promise.resolve();
  const entering = values.entered();
  leaving.abort(new Error('left'));
  await expect(entering).rejects.toThrow('left');
  expect(making).toBe(0);
});
