import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { StreamError } from './errors.ts';
import { readSocket, type WebSocketLike } from './web-socket.ts';

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

/** A socket whose other side is the test. */
class Socket implements WebSocketLike {
  readonly sent: string[] = [];
  closed = 0;
  readonly #listeners = new Map<string, (event: never) => void>();

  send(text: string): void {
    this.sent.push(text);
  }

  close(): void {
    this.closed += 1;
  }

  addEventListener(type: string, listener: (event: never) => void): void {
    this.#listeners.set(type, listener);
  }

  say(type: 'open' | 'message' | 'close' | 'error', event: object = {}): void {
    this.#listeners.get(type)!(event as never);
  }
}

let socket: Socket;
let controller: AbortController;
let removed: jest.SpiedFunction<AbortSignal['removeEventListener']>;

/** What a loop over the socket has got so far, and how it ended. */
function reading(): { texts: string[]; ended: Promise<unknown> } {
  socket = new Socket();
  controller = new AbortController();
  removed = jest.spyOn(controller.signal, 'removeEventListener');
  const texts: string[] = [];
  const create = (url: string): Socket => {
    expect(url).toBe('ws://x/ws');
    return socket;
  };
  const options = { create, signal: controller.signal, timeout: 50, idleTimeout: 200, ping: 'ping' };
  const read = async (): Promise<unknown> => {
    for await (const text of readSocket('ws://x/ws', options)) texts.push(text);
    return 'end';
  };
  return { texts, ended: read().catch((error: unknown) => error) };
}

/** Nothing is left of a connection once its loop has ended. */
function expectNothingLeft(): void {
  expect([socket.closed, jest.getTimerCount(), removed.mock.calls.length]).toEqual([1, 0, 1]);
}

test('texts come in their order, until the socket closes well; those before its end are not lost', async () => {
  const { texts, ended } = reading();
  socket.say('open');
  socket.say('message', { data: 'a' });
  await jest.advanceTimersByTimeAsync(0);
  expect(texts).toEqual(['a']);
  socket.say('message', { data: 'b' });
  socket.say('message', { data: 3 });
  socket.say('close', { code: 1000 });
  expect(await ended).toBe('end');
  expect(texts).toEqual(['a', 'b', '3']);
  expectNothingLeft();
});

test.each([
  ['closes with another code', () => socket.say('close', { code: 1006 }), 'the WebSocket was closed with 1006'],
  ['fails', () => socket.say('error'), 'the WebSocket failed'],
])('a socket that %s is a StreamError, after the texts that came before', async (_name, end, message) => {
  const { texts, ended } = reading();
  socket.say('open');
  socket.say('message', { data: 'a' });
  end();
  // A second end changes nothing.
  socket.say('close', { code: 1000 });
  const error = await ended;
  expect(error).toBeInstanceOf(StreamError);
  expect((error as Error).message).toBe(message);
  expect(texts).toEqual(['a']);
  expectNothingLeft();
});

test('a socket that does not open in time is given up, and not before', async () => {
  const { ended } = reading();
  await jest.advanceTimersByTimeAsync(49);
  expect(socket.closed).toBe(0);
  await jest.advanceTimersByTimeAsync(1);
  expect(await ended).toEqual(new StreamError('no connection within 50 ms'));
  expectNothingLeft();
});

test('after half of the idle time a ping is sent; any message begins the time anew', async () => {
  const { ended } = reading();
  socket.say('open');
  await jest.advanceTimersByTimeAsync(99);
  expect(socket.sent).toEqual([]);
  await jest.advanceTimersByTimeAsync(1);
  expect(socket.sent).toEqual(['ping']);
  await jest.advanceTimersByTimeAsync(99);
  socket.say('message', { data: 'pong' });
  await jest.advanceTimersByTimeAsync(199);
  expect([socket.sent, socket.closed]).toEqual([['ping', 'ping'], 0]);
  await jest.advanceTimersByTimeAsync(1);
  expect(await ended).toEqual(new StreamError('nothing came for 200 ms'));
  expectNothingLeft();
});

test('what comes after the loop has ended begins no time anew', async () => {
  const { texts, ended } = reading();
  socket.say('open');
  controller.abort();
  await ended;
  socket.say('message', { data: 'late' });
  await jest.advanceTimersByTimeAsync(1_000);
  expect([texts, socket.sent]).toEqual([[], []]);
  expectNothingLeft();
});

test('an abort ends the loop without an error', async () => {
  const { ended } = reading();
  socket.say('open');
  controller.abort();
  expect(await ended).toBe('end');
  expectNothingLeft();
});
