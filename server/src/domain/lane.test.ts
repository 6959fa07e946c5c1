import { expect, test } from '@jest/globals';
import { currentOrganisation, inOrganisation } from './tenancy/current-organisation.ts';
import { sharedResources } from './tenancy/shared-resources.ts';
import { RecordedBatches } from '../../test/recorded-batches.ts';
import { until } from '../../test/until.ts';
import { eventLoop } from './tenancy/event-loop-turns.ts';
import { Lane } from './lane.ts';

function passingError(): Error {
  return Object.assign(new Error('The server goes down.'), { code: '57P01' });
}

function refusal(): Error {
  return Object.assign(new Error('Refused.'), { code: '22P02' });
}

test('what comes while a call is under way goes into the next one', async () => {
  const calls: number[][] = [];
  let end: (() => void)[] = [];
  const lane = new Lane<number, number>({
    name: 'test',
    batchSize: 3,
    work: async (items) => {
      calls.push([...items]);
      await new Promise<void>((resolve) => end.push(resolve));
      return items.map((item) => item * 10);
    },
  });
  const next = async (): Promise<void> => {
    while (end.length === 0) await new Promise(setImmediate);
    end.shift()!();
  };
  const first = lane.ask(1);
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  const others = [2, 3, 4, 5].map((item) => lane.ask(item));
  await next();
  await next();
  await next();
  expect(await Promise.all([first, ...others])).toEqual([10, 20, 30, 40, 50]);
  expect(calls).toEqual([[1], [2, 3, 4], [5]]);
});

test('an item that is refused does not spoil the call for the others', async () => {
  const lane = new Lane<number, string>({
    name: 'test',
    batchSize: 10,
    work: async (items) => {
      if (items.includes(2)) throw refusal();
      return items.map(String);
    },
  });
  const outcomes = await Promise.allSettled([1, 2, 3].map((item) => lane.ask(item)));
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
});

test('what passes is tried again where that is wanted, and told once', async () => {
  let tries = 0;
  const told: unknown[] = [];
  const work = async (items: readonly number[]): Promise<number[]> => {
    tries += 1;
    if (tries < 3) throw passingError();
    return [...items];
  };
  const patient = new Lane<number, number>({ name: 'test', batchSize: 1, work, passing: (error) => told.push(error) });
  expect(await patient.ask(7)).toBe(7);
  expect(told).toHaveLength(1);
  tries = 0;
  await expect(new Lane<number, number>({ name: 'test', batchSize: 1, work }).ask(7)).rejects.toThrow('goes down');
});

test('a lane that closes tries nothing again', async () => {
  const lane = new Lane<number, number>({
    name: 'test',
    batchSize: 1,
    work: () => Promise.reject(passingError()),
    passing: () => undefined,
  });
  const asked = lane.ask(1);
  const outcome = expect(asked).rejects.toThrow('goes down');
  await lane.close();
  await outcome;
});

test.each([
  ['too much for one text', new RangeError('Invalid string length')],
  ['a mistake in the program', new TypeError('x is not a function')],
])('an item that is %s fails alone: it is not tried for ever', async (_what, fault) => {
  const lane = new Lane<number, number>({
    name: 'test',
    batchSize: 10,
    work: async (items) => {
      if (items.includes(2)) throw fault;
      return [...items];
    },
    passing: () => undefined,
  });
  const outcomes = await Promise.allSettled([1, 2, 3].map((item) => lane.ask(item)));
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
});

test('an organisation that asks for little comes with the next call, however much another asks for', async () => {
  const calls: string[][] = [];
  const lane = new Lane<string, void>({
    name: 'test',
    batchSize: 10,
    work: async (items) => {
      calls.push([...items]);
      await new Promise(setImmediate);
      return items.map(() => undefined);
    },
  });
  const noisy = inOrganisation('noisy', () => Promise.all(Array.from({ length: 500 }, () => lane.ask('noisy'))));
  await inOrganisation('quiet', () => lane.ask('quiet'));
  expect(calls.findIndex((items) => items.includes('quiet'))).toBe(0);
  expect(sharedResources.batchers.get('test')!().items).toBeGreaterThan(400);
  await noisy;
});

test('while organisations share a lane, each leaves one call to the others, who find it free', async () => {
  await eventLoop.turn('noisy');
  await eventLoop.turn('quiet');
  const calls: string[][] = [];
  const ends: (() => void)[] = [];
  const lane = new Lane<string, void>({
    name: 'test',
    batchSize: 2,
    calls: 2,
    work: async (items) => {
      calls.push([...items]);
      await new Promise<void>((resolve) => ends.push(resolve));
      return items.map(() => undefined);
    },
  });
  const iterations = async (): Promise<void> => {
    for (let n = 0; n < 5; n += 1) await new Promise(setImmediate);
  };
  const ask = (organisationId: string, item: string): Promise<void> =>
    inOrganisation(organisationId, () => lane.ask(item));
  const noisy = Promise.all(['n1', 'n2', 'n3', 'n4', 'n5'].map((item) => ask('noisy', item)));
  await iterations();
  const first = calls.length;
  const quiet = ask('quiet', 'q1');
  await iterations();
  expect([first, calls]).toEqual([1, [['n1', 'n2'], ['q1']]]);
  ends[1]!();
  await quiet;
  // The rest goes on by itself, one call at a time.
  for (let ended = 0; ended < 4; ended += 1) {
    await iterations();
    ends[ended]?.();
  }
  await noisy;
  expect(calls.slice(2)).toEqual([['n3', 'n4'], ['n5']]);
});

test('calls are the work of no organisation, whoever asked first', async () => {
  const seen: string[] = [];
  const work = async (items: readonly number[]): Promise<number[]> => {
    seen.push(currentOrganisation());
    return [...items];
  };
  const lane = new Lane<number, number>({ name: 'test', batchSize: 1, work });
  await inOrganisation('a', () => lane.ask(1));
  expect(seen).toEqual(['']);
});

test('a call is bounded in bytes; what is larger by itself goes alone', async () => {
  const calls: number[][] = [];
  const lane = new Lane<number, number>({
    name: 'test',
    batchSize: 10,
    batchBytes: 100,
    bytesOf: (item) => item,
    work: async (items) => (calls.push([...items]), [...items]),
  });
  await Promise.all([60, 30, 20, 500, 1, 99].map((item) => lane.ask(item)));
  expect(calls).toEqual([[60, 30], [20], [500], [1, 99]]);
});

test('an item that does not pass keeps no other waiting, and is tried by itself', async () => {
  const calls: number[][] = [];
  const gate = { isOpen: false };
  const batches = new RecordedBatches();
  const lane = new Lane<number, number>({
    name: 'test',
    batchSize: 10,
    metrics: batches,
    passing: () => undefined,
    work: async (items) => {
      calls.push([...items]);
      if (items.includes(2) && !gate.isOpen)
        throw Object.assign(new Error('A lock is not to be had.'), { code: '55P03' });
      return [...items];
    },
  });
  const stuck = lane.ask(2);
  expect(await Promise.all([lane.ask(1), lane.ask(3)])).toEqual([1, 3]);
  expect(lane.backlog.items).toBe(1);
  for (let item = 10; item < 20; item++) expect(await lane.ask(item)).toBe(item);
  await until(() => calls.at(-1)!.length === 1 && calls.at(-1)![0] === 2);
  gate.isOpen = true;
  expect(await stuck).toBe(2);
  expect(lane.backlog).toEqual({ items: 0, bytes: 0, oldestMs: 0 });
  expect(new Set(batches.failures)).toEqual(new Set(['test passing']));
});

test('the item that is refused is found by halves', async () => {
  let calls = 0;
  const lane = new Lane<number, number>({
    name: 'test',
    batchSize: 128,
    work: async (items) => {
      calls += 1;
      if (items.includes(77)) throw refusal();
      return [...items];
    },
  });
  const outcomes = await Promise.allSettled(Array.from({ length: 128 }, (_, item) => lane.ask(item)));
  expect(outcomes.flatMap(({ status }, item) => (status === 'rejected' ? [item] : []))).toEqual([77]);
  expect(calls).toBe(15);
});

test('a lane that cannot have anything answered says for how long', async () => {
  const lane = new Lane<number, number>({
    name: 'test',
    batchSize: 10,
    passing: () => undefined,
    work: () => Promise.reject(passingError()),
  });
  expect(lane.standstillMs).toBe(0);
  const asked = lane.ask(1).catch(() => undefined);
  await until(() => lane.standstillMs > 30);
  await lane.close();
  await asked;
  expect(lane.standstillMs).toBe(0);
});

test('what is asked for at any moment around the end of a call is answered', async () => {
  const lane = new Lane<number, number>({ name: 'test', batchSize: 10, work: async (items) => [...items] });
  for (let hops = 0; hops < 20; hops++) {
    await lane.ask(1);
    for (let hop = 0; hop < hops; hop++) await undefined;
    expect(await lane.ask(2)).toBe(2);
  }
});
