import { afterEach, expect, test } from '@jest/globals';
import { until } from '../../../test/until.ts';
import { ProcessWorkerLoops } from './process-worker-loops.ts';

const never = 3_600_000;
const said: string[] = [];
let loops: ProcessWorkerLoops;

function make(works = true): ProcessWorkerLoops {
  said.length = 0;
  loops = new ProcessWorkerLoops({
    works,
    warn: (message, error) => said.push(`${message} ${(error as Error).message}`),
    tellOthers: (name) => said.push(`told ${name}`),
  });
  return loops;
}

/** A round that the test ends by hand, and the rounds that have begun. */
function rounds(): { begun: () => Promise<(outcome?: boolean | Error) => void>; run: () => Promise<boolean | void> } {
  const waiting: ((end: (outcome?: boolean | Error) => void) => void)[] = [];
  const begun: ((outcome?: boolean | Error) => void)[] = [];
  const meet = (): void => {
    while (waiting.length > 0 && begun.length > 0) waiting.shift()!(begun.shift()!);
  };
  return {
    begun: () => new Promise((resolve) => (waiting.push(resolve), meet())),
    run: () =>
      new Promise((resolve, reject) => {
        begun.push((outcome) => (outcome instanceof Error ? reject(outcome) : resolve(outcome)));
        meet();
      }),
  };
}

afterEach(() => loops.stop());

test('the first round comes with the start, the next after the pause', async () => {
  const { begun, run } = rounds();
  make().add('due', { everyMs: 1, run });
  loops.start();
  (await begun())();
  (await begun())();
});

test('a loop that is added later begins at once', async () => {
  const { begun, run } = rounds();
  make().start();
  loops.add('late', { everyMs: never, run });
  (await begun())();
});

test('a wake ends the pause, and one during a round is not lost', async () => {
  const { begun, run } = rounds();
  make().add('due', { everyMs: never, run });
  loops.start();
  const end = await begun();
  loops.wake('due');
  end();
  const endSecond = await begun();
  endSecond();
  await new Promise(setImmediate);
  loops.wake('due');
  (await begun())();
  loops.wake('nothing of that name');
});

test('a round that has more to do is followed by the next at once', async () => {
  const { begun, run } = rounds();
  make().add('due', { everyMs: never, run });
  loops.start();
  (await begun())(true);
  (await begun())();
});

test('an error is told, and the next round comes', async () => {
  const { begun, run } = rounds();
  make().add('due', { everyMs: 1, run });
  loops.start();
  (await begun())(new Error('no database'));
  (await begun())();
  expect(said).toEqual(['A round of due failed; the next comes as usual. no database']);
});

test('a stop tells the round under way and waits for it', async () => {
  const told: string[] = [];
  make().add('slow', {
    everyMs: never,
    run: (signal) =>
      new Promise((resolve) => {
        signal.addEventListener('abort', () => {
          told.push('stop');
          setImmediate(() => (told.push('ended'), resolve()));
        });
      }),
  });
  loops.start();
  await loops.stop();
  expect(told).toEqual(['stop', 'ended']);
});

test('where nothing works no loop runs, and a wake goes to the others', async () => {
  let ran = 0;
  make(false).add('due', { everyMs: 1, run: async () => void (ran += 1) });
  loops.start();
  loops.wake('due');
  await loops.stop();
  expect({ ran, said }).toEqual({ ran: 0, said: ['told due'] });
});

test('two loops of one name are refused', () => {
  make().add('due', { everyMs: 1, run: async () => undefined });
  expect(() => loops.add('due', { everyMs: 1, run: async () => undefined })).toThrow(/already/);
});

test('a vital loop whose rounds all fail makes the process not ready, until one succeeds; another loop does not', async () => {
  const { begun, run } = rounds();
  const failed: string[] = [];
  loops = new ProcessWorkerLoops({
    works: true,
    warn: () => undefined,
    tellOthers: () => undefined,
    failed: (name) => failed.push(name),
    standstillMs: 0,
  });
  loops.add('tidying', { everyMs: 1, run: () => Promise.reject(new Error('no')) });
  loops.add('due', { everyMs: 1, run, isVital: true });
  loops.start();
  for (let round = 1; round <= 3; round++) {
    expect(loops.problem()).toBeUndefined();
    (await begun())(new Error('no'));
  }
  const end = await begun();
  expect(loops.problem()).toMatch(/^the loop due has failed for \d+ seconds$/);
  expect(failed.filter((name) => name === 'due')).toHaveLength(3);
  end();
  (await begun())();
  expect(loops.problem()).toBeUndefined();
  expect(loops.failing().map(({ name }) => name)).toEqual(['tidying', 'due']);
});

test('a round that does not end shows for how long it has run; of a vital loop it makes the process not ready', async () => {
  const { begun, run } = rounds();
  const tidying = rounds();
  loops = new ProcessWorkerLoops({ works: true, warn: () => undefined, tellOthers: () => undefined, maxRoundMs: 5 });
  loops.add('tidying', { everyMs: never, run: tidying.run });
  loops.add('due', { everyMs: never, run, isVital: true });
  expect(loops.underWay()).toEqual([
    { name: 'tidying', forMs: 0 },
    { name: 'due', forMs: 0 },
  ]);
  loops.start();
  const endTidying = await tidying.begun();
  const end = await begun();
  await until(() => loops.underWay().every(({ forMs }) => forMs >= 5));
  expect(loops.problem()).toMatch(/^a round of the loop due has been under way for \d+ seconds$/);
  end();
  await until(() => loops.underWay()[1]!.forMs === 0);
  expect(loops.problem()).toBeUndefined();
  expect(loops.underWay()[0]!.forMs).toBeGreaterThan(0);
  endTidying();
});
