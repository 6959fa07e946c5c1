import { getEventListeners } from 'node:events';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import type { EntityManager } from '@mikro-orm/postgresql';
import { newId } from '../id.ts';
import { eventLoop } from '../tenancy/event-loop-turns.ts';
import { EventReader, type LoggedEvent, type LogExcerpt, type LogPlace } from './event-reader.ts';
import { ExecutionEvents } from './execution-events.ts';
import type { ExecutionStatus } from './execution.entity.ts';
import type { LiveChannel } from './live-channel.ts';

const executionId = newId('exec');
/** The log as it stands. */
let log: LoggedEvent[];
let status: ExecutionStatus | undefined;
/** How many events one read finds. */
let atOnce: number;
/** Called at each read, before it answers. */
let onRead: (after: number) => void;
const reads: LogPlace[] = [];
const wakers = new Set<(ended: boolean | undefined) => void>();
let leaving: AbortController;

beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] });
  [log, status, atOnce, onRead] = [[], 'running', 50, () => undefined];
  reads.length = 0;
  // A busy machine makes it wait, by timers of its own.
  jest.spyOn(eventLoop, 'turn').mockReturnValue(undefined);
  leaving = new AbortController();
  jest.spyOn(EventReader.prototype, 'read').mockImplementation(async (place): Promise<LogExcerpt> => {
    reads.push(place);
    const behind = log.filter(({ sequence }) => sequence > place.after);
    const excerpt = { status, events: behind.slice(0, atOnce), more: behind.length > atOnce };
    onRead(place.after);
    return excerpt;
  });
});
afterEach(async () => {
  leaving.abort();
  await settle();
  jest.restoreAllMocks();
  jest.useRealTimers();
});

const live = {
  subscribe: (id: string, wake: (ended: boolean | undefined) => void) => {
    expect(id).toBe(executionId);
    wakers.add(wake);
    return () => void wakers.delete(wake);
  },
} as unknown as LiveChannel;
const events = (): ExecutionEvents => new ExecutionEvents({} as EntityManager, live);
const wake = (): void => wakers.forEach((one) => one(false));

/** Appends events; the last one may be the end. */
function add(...types: ('node:started' | 'execution:completed')[]): void {
  for (const type of types)
    log.push({
      id: newId('evt'),
      executionId,
      sequence: log.length + 1,
      type,
      data: {},
      createdAt: new Date(),
      terminal: type === 'execution:completed',
    });
}

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Follows: the sequences seen so far, and whether the feed has ended. */
async function follow(after = 0): Promise<{ seen: number[]; over: boolean }> {
  const feed = await events().follow('org_1', executionId, after, leaving.signal);
  const following = { seen: [] as number[], over: false };
  void (async () => {
    for await (const { sequence } of feed.events) following.seen.push(sequence);
    following.over = true;
  })();
  await settle();
  return following;
}

test('what is stored comes first, then what is new, until the terminal event', async () => {
  add('node:started', 'node:started');
  const following = await follow(1);
  expect(following).toEqual({ seen: [2], over: false });
  add('node:started');
  wake();
  await settle();
  expect(following).toEqual({ seen: [2, 3], over: false });
  add('execution:completed', 'node:started');
  wake();
  await settle();
  expect(following).toEqual({ seen: [2, 3, 4], over: true });
  expect(wakers.size).toBe(0);
  expect(getEventListeners(leaving.signal, 'abort')).toEqual([]);
  expect(reads[0]).toEqual({ executionId, organisationId: 'org_1', after: 1 });
  expect(jest.getTimerCount()).toBe(0);
});

test('the feed tells how the execution stood when it was opened', async () => {
  status = 'paused';
  expect(await events().follow('org_1', executionId, 0, leaving.signal)).toMatchObject({ status: 'paused' });
});

test.each([
  ['an id of no execution', newId('exec'), 1],
  ['what is no id', 'exec_1', 0],
])('%s is refused before anything is followed', async (_, id, asked) => {
  status = undefined;
  await expect(events().follow('org_1', id, 0, leaving.signal)).rejects.toMatchObject({ code: 'resource_not_found' });
  expect(wakers.size).toBe(0);
  expect(reads).toHaveLength(asked);
});

test('what comes between the first look and the subscription is found, although its news are lost', async () => {
  onRead = (after) => after === 0 && log.length === 0 && add('execution:completed');
  expect(await follow()).toEqual({ seen: [1], over: true });
});

test('what comes while the log is read is found, although its news came too early', async () => {
  const following = await follow();
  onRead = () => {
    onRead = () => undefined;
    add('node:started');
    wake();
  };
  wake();
  await settle();
  expect(following.seen).toEqual([1]);
});

test('lost news hold a follower up for five seconds, not for ever', async () => {
  const following = await follow();
  add('node:started');
  await jest.advanceTimersByTimeAsync(4_999);
  await settle();
  expect(following.seen).toEqual([]);
  await jest.advanceTimersByTimeAsync(1);
  await settle();
  expect(following.seen).toEqual([1]);
});

test('a long log is read to its end without a pause', async () => {
  atOnce = 2;
  add('node:started', 'node:started', 'node:started', 'node:started', 'node:started');
  const following = await follow();
  expect(following).toEqual({ seen: [1, 2, 3, 4, 5], over: false });
  expect(jest.getTimerCount()).toBe(1);
});

test.each(['completed', 'failed', 'cancelled', undefined] as const)(
  'an execution that is %s and whose log has no end closes the feed, once the log was read to its end',
  async (given) => {
    atOnce = 1;
    add('node:started', 'node:started');
    const feed = await events().follow('org_1', executionId, 0, leaving.signal);
    status = given;
    const seen: number[] = [];
    for await (const { sequence } of feed.events) seen.push(sequence);
    expect(seen).toEqual([1, 2]);
    expect(wakers.size).toBe(0);
  },
);

test('a follower that leaves while it waits is let go at once, and hears no more', async () => {
  const following = await follow();
  leaving.abort();
  await settle();
  expect(following.over).toBe(true);
  expect(wakers.size).toBe(0);
  expect(jest.getTimerCount()).toBe(0);
});

test('a follower that leaves between two events gets no more of them', async () => {
  add('node:started', 'node:started', 'node:started');
  const feed = await events().follow('org_1', executionId, 0, leaving.signal);
  const seen: number[] = [];
  for await (const { sequence } of feed.events) if (seen.push(sequence) === 2) leaving.abort();
  expect(seen).toEqual([1, 2]);
  expect(wakers.size).toBe(0);
});

test('a follower that had left before anything was read gets nothing', async () => {
  add('node:started');
  leaving.abort();
  expect(await follow()).toEqual({ seen: [], over: true });
});

test('a read that fails ends the feed with its error, and nobody is left subscribed', async () => {
  const feed = await events().follow('org_1', executionId, 0, leaving.signal);
  onRead = () => {
    throw new Error('no database');
  };
  await expect(async () => {
    for await (const event of feed.events) expect(event).toBeUndefined();
  }).rejects.toThrow('no database');
  expect(wakers.size).toBe(0);
});
