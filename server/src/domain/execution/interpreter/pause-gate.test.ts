import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { settle, useRealTime, useVirtualTime } from '../../../../test/executions/graph-bench.ts';
import { RunAbandonedError } from '../engine.ts';
import type { EarlyProjection } from './early-projection.ts';
import type { Hold } from './graph-run-options.ts';
import type { NodeRun } from './node-run.ts';
import type { Outcome } from './outcome.ts';
import { PauseGate } from './pause-gate.ts';
import type { PendingCommands } from './pending-commands.ts';
import type { Rest } from './rest.ts';

/** A hold that the test closes and opens. */
class TestHold implements Hold {
  known: Promise<void> | undefined;
  #held = false;
  #released = Promise.withResolvers<void>();

  close(): void {
    this.#held = true;
    this.#released = Promise.withResolvers();
  }

  open(): void {
    this.#held = false;
    this.#released.resolve();
  }

  isHeld(): boolean {
    return this.#held;
  }

  released(): Promise<void> {
    return this.#held ? this.#released.promise : Promise.resolve();
  }

  isOver = async (): Promise<boolean> => !this.#held;
  heldMs = async (): Promise<number> => 0;
}

const seen: string[] = [];
let hold: TestHold;
let runs: NodeRun[];
let heldStill: (() => boolean) | undefined;

const work = (path: string, pending: Promise<Outcome>, waits = false): NodeRun =>
  ({ path, pending, waits: waits ? { until: 0, reason: 'delay' } : undefined }) as unknown as NodeRun;
const outcome: Outcome = { ok: true, value: null, at: 0 };

function newGate(given: Hold | undefined = hold): PauseGate {
  const earlyProjection = {
    report: async (run: NodeRun, _: Outcome, isHeld: () => boolean) => {
      heldStill = isHeld;
      seen.push(`${run.path} ${isHeld() ? 'reported' : 'left'}`);
    },
  };
  const rest = {
    whileHeld: async () => {
      seen.push('suspended');
      throw new RunAbandonedError('exec_1');
    },
  };
  return new PauseGate({
    hold: given,
    pending: {
      get runs() {
        return runs;
      },
    } as unknown as PendingCommands,
    earlyProjection: earlyProjection as unknown as EarlyProjection,
    rest: rest as unknown as Rest,
  });
}

beforeEach(() => {
  useVirtualTime();
  seen.length = 0;
  hold = new TestHold();
  runs = [];
  heldStill = undefined;
});
afterEach(useRealTime);

test('without a hold it is open', async () => {
  const gate = new PauseGate({ ...({} as ConstructorParameters<typeof PauseGate>[0]), hold: undefined });
  expect([gate.isClosed, await gate.isKnownClosed()]).toEqual([false, false]);
});

test('it is closed while the execution is held', async () => {
  const gate = newGate();
  expect([gate.isClosed, await gate.isKnownClosed()]).toEqual([false, false]);
  hold.close();
  expect([gate.isClosed, await gate.isKnownClosed()]).toEqual([true, true]);
});

test('news of two quick pauses are both followed before it is known', async () => {
  const [first, second] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  hold.known = first.promise;
  const known = newGate().isKnownClosed();
  let answer: boolean | undefined;
  void known.then((is) => (answer = is));
  hold.known = second.promise;
  first.resolve();
  await settle();
  expect(answer).toBeUndefined();
  hold.close();
  hold.known = undefined;
  second.resolve();
  expect(await known).toBe(true);
});

test('what is at work comes to its end and is reported, then the run is suspended', async () => {
  const [one, other] = [Promise.withResolvers<Outcome>(), Promise.withResolvers<Outcome>()];
  runs = [work('one', one.promise), work('other', other.promise), work('asleep', new Promise(() => undefined), true)];
  hold.close();
  const waiting = newGate().wait();
  waiting.catch(() => undefined);
  one.resolve(outcome);
  await settle();
  expect(seen).toEqual(['one reported']);
  other.resolve(outcome);
  await expect(waiting).rejects.toBeInstanceOf(RunAbandonedError);
  expect(seen).toEqual(['one reported', 'other reported', 'suspended']);
});

test('a command that cannot come to its end keeps no run from being suspended', async () => {
  runs = [work('one', Promise.reject(new RunAbandonedError('exec_1')))];
  hold.close();
  await expect(newGate().wait()).rejects.toBeInstanceOf(RunAbandonedError);
  expect(seen).toEqual(['suspended']);
});

test('when the pause ends before what is at work does, the run goes on where it is', async () => {
  const busy = Promise.withResolvers<Outcome>();
  runs = [work('one', busy.promise)];
  hold.close();
  const waiting = newGate().wait();
  await settle();
  hold.open();
  await waiting;
  busy.resolve(outcome);
  await settle();
  expect(seen).toEqual(['one left']);
});

test('when one pause follows another at once, the run is suspended over the second', async () => {
  runs = [work('one', new Promise(() => undefined))];
  hold.close();
  const waiting = newGate().wait();
  waiting.catch(() => undefined);
  await settle();
  hold.open();
  hold.close();
  await settle();
  await expect(waiting).rejects.toBeInstanceOf(RunAbandonedError);
  expect(seen).toEqual(['suspended']);
});

test('an outcome is no longer held once the node has another command under way', async () => {
  const pending = Promise.resolve(outcome);
  const run = work('one', pending);
  runs = [run];
  hold.close();
  const waiting = newGate().wait();
  waiting.catch(() => undefined);
  await settle();
  expect(heldStill!()).toBe(true);
  run.pending = Promise.resolve(outcome);
  expect(heldStill!()).toBe(false);
});
