import { expect, test } from '@jest/globals';
import { currentOrganisation, inOrganisation } from './tenancy/current-organisation.ts';
import { sharedResources } from './tenancy/shared-resources.ts';
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
