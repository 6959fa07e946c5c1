import type { IncomingMessage } from 'node:http';
import { PassThrough } from 'node:stream';

import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';

import { drain } from './drain.ts';

const limit = 16 * 1024 * 1024;

beforeEach(() => void jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate'] }));
afterEach(() => void jest.useRealTimers());

/** A request of which the test sends the body, and how often it was answered. */
function refused(headers: Record<string, string> = {}, more: object = {}) {
  const body = new PassThrough({ highWaterMark: 2 * limit });
  const request = Object.assign(body, { headers, complete: false, ...more }) as unknown as IncomingMessage;
  const next = jest.fn();
  drain(request, next);
  const listeners = (): number => ['data', 'end', 'close'].reduce((sum, name) => sum + body.listenerCount(name), 0);
  return { body, next, listeners };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('the answer waits for the end of the body, and comes once', async () => {
  const { body, next, listeners } = refused();
  body.write('a part');
  await turn();
  expect(next).not.toHaveBeenCalled();
  body.end();
  await turn();
  body.destroy();
  await turn();
  expect(next).toHaveBeenCalledTimes(1);
  expect(jest.getTimerCount()).toBe(0);
  expect(body.listenerCount('data')).toBe(0);
  expect(listeners()).toBeLessThan(3);
});

test('a client that leaves ends the wait', async () => {
  const { body, next } = refused();
  body.destroy();
  await turn();
  expect(next).toHaveBeenCalledTimes(1);
  expect(jest.getTimerCount()).toBe(0);
});

test('after two seconds, and not before, the wait is over', () => {
  const { next } = refused();
  jest.advanceTimersByTime(1_999);
  expect(next).not.toHaveBeenCalled();
  jest.advanceTimersByTime(1);
  expect(next).toHaveBeenCalledTimes(1);
});

test('after sixteen mebibytes, and not before, the wait is over', async () => {
  const { body, next } = refused();
  body.write(Buffer.alloc(limit));
  await turn();
  expect(next).not.toHaveBeenCalled();
  body.write('x');
  await turn();
  expect(next).toHaveBeenCalledTimes(1);
});

test.each([
  ['a body that says that it is larger', { 'content-length': String(limit + 1) }, {}, 1],
  ['a body that says that it is not', { 'content-length': String(limit) }, {}, 0],
  ['a body of unknown length', {}, {}, 0],
  ['a request that is there', {}, { complete: true }, 1],
  ['a request whose client has left', {}, { destroyed: true }, 1],
])('%s is answered at once: %#', (_name, headers, more, times) => {
  const { body, next } = refused(headers as Record<string, string>, 'destroyed' in more ? {} : more);
  if ('destroyed' in more) {
    const gone = new PassThrough().destroy();
    const answered = jest.fn();
    drain(Object.assign(gone, { headers: {}, complete: false }) as unknown as IncomingMessage, answered);
    expect(answered).toHaveBeenCalledTimes(1);
  } else expect(next).toHaveBeenCalledTimes(times);
  body.destroy();
});
