import { once } from 'node:events';

import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';

import { encodeEvent, EventStreamBody } from './event-stream.ts';
import { JsonText } from './json-pieces.ts';
import type { ServerSentEvent } from './response.ts';

const bodyOf = (events: AsyncIterable<ServerSentEvent>): EventStreamBody =>
  new EventStreamBody(events, 60_000, encodeEvent);

async function* many(count: number, data: string): AsyncGenerator<ServerSentEvent> {
  for (let id = 1; id <= count; id += 1) yield { id, data };
}

async function chunksOf(body: EventStreamBody): Promise<string[]> {
  const chunks: string[] = [];
  for await (const chunk of body) chunks.push(chunk as string);
  return chunks;
}

test('events that the source has ready are written together', async () => {
  const chunks = await chunksOf(bodyOf(many(500, 'x')));
  const text = chunks.join('');
  expect(text.match(/^id: /gm)).toHaveLength(500);
  expect(text.endsWith('id: 500\ndata: x\n\n')).toBe(true);
  expect(chunks.length).toBeLessThan(5);
});

test('an event is written at once when the source has no other', async () => {
  const more = Promise.withResolvers<void>();
  async function* slow(): AsyncGenerator<ServerSentEvent> {
    yield { data: 'first' };
    await more.promise;
    yield { data: 'second' };
  }
  const body = bodyOf(slow());
  let text = '';
  body.on('data', (chunk: string) => (text += chunk));
  for (let ticks = 0; ticks < 3; ticks += 1) await new Promise(setImmediate);
  expect(text).toBe(': connected\n\ndata: first\n\n');
  more.resolve();
  await new Promise((resolve) => body.once('end', resolve));
  expect(text.endsWith('data: second\n\n')).toBe(true);
});

test('events before a failure are written', async () => {
  async function* failing(): AsyncGenerator<ServerSentEvent> {
    yield { data: 'said' };
    throw new Error('source failed');
  }
  const body = bodyOf(failing());
  let text = '';
  body.on('data', (chunk: string) => (text += chunk));
  const error = await new Promise((resolve) => body.once('error', resolve));
  expect([text, (error as Error).message]).toEqual([': connected\n\ndata: said\n\n', 'source failed']);
});

test('a large event is written in pieces between which the event loop turns, and no comment comes between them', async () => {
  const rows = Array.from({ length: 60_000 }, (_, index) => ({ index, text: 'some text 😀' }));
  const text = `{\n"rows": ${JSON.stringify(rows)},\r"n": 9007199254740993}`;
  async function* large(): AsyncGenerator<ServerSentEvent> {
    yield { id: 1, event: 'before', data: 1 };
    yield { id: 2, event: 'stored', data: { output: new JsonText(text) } };
    yield { id: 3, event: 'value', data: { rows } };
    yield { id: 4, data: 'after' };
  }
  let turns = 0;
  let isOver = false;
  const count = (): void => {
    turns += 1;
    if (!isOver) setImmediate(count);
  };
  setImmediate(count);
  const body = new EventStreamBody(large(), 1, encodeEvent);
  const chunks = await chunksOf(body);
  isOver = true;
  const events = chunks.join('').replaceAll(': keep-alive\n\n', '').split('\n\n');
  expect(events.slice(0, 2)).toEqual([': connected', 'id: 1\nevent: before\ndata: 1']);
  expect(events[2]).toBe(`id: 2\nevent: stored\ndata: {"output":${text.replaceAll(/[\n\r]/g, '\ndata: ')}}`);
  expect(events[3]).toBe(`id: 3\nevent: value\ndata: ${JSON.stringify({ rows })}`);
  expect(events.slice(4)).toEqual(['id: 4\ndata: after', '']);
  expect(Math.max(...chunks.map(({ length }) => length))).toBeLessThan(600_000);
  expect(turns).toBeGreaterThan(10);
});

test('an event whose reader stops in the middle of it ends with the stream', async () => {
  async function* large(): AsyncGenerator<ServerSentEvent> {
    yield { data: ['x'.repeat(3_000_000)] };
  }
  const body = bodyOf(large());
  for await (const chunk of body) if ((chunk as string).length > 1_000) body.finish();
  expect(body.readableEnded).toBe(true);
});

test.each<[ServerSentEvent, string]>([
  [{ data: { a: 1 } }, 'data: {"a":1}\n\n'],
  [{ data: undefined }, 'data: null\n\n'],
  [{ data: 'a\r\nb\rc\nd' }, 'data: a\ndata: b\ndata: c\ndata: d\n\n'],
  [{ data: '' }, 'data: \n\n'],
  [{ id: 0, event: '', retry: 0, data: 1 }, 'id: 0\nevent: \nretry: 0\ndata: 1\n\n'],
  [{ id: 'a\nb', event: 'c\rd\0e', retry: 1.9, data: 1 }, 'id: a b\nevent: c d e\nretry: 1\ndata: 1\n\n'],
])('%j is %j', (event, expected) => {
  expect(encodeEvent(event)).toBe(expected);
});

/** A source that gives what the test tells it to, and says whether it was closed. */
function source() {
  const waiting: ((result: IteratorResult<ServerSentEvent>) => void)[] = [];
  const state = { asked: 0, closed: 0 };
  const iterator = {
    next: (): Promise<IteratorResult<ServerSentEvent>> => {
      state.asked += 1;
      return new Promise((resolve) => waiting.push(resolve));
    },
    return: (): Promise<IteratorResult<ServerSentEvent>> => {
      state.closed += 1;
      return Promise.resolve({ done: true, value: undefined });
    },
  };
  const give = (data: string): void => waiting.shift()!({ done: false, value: { data } });
  const end = (): void => waiting.shift()!({ done: true, value: undefined });
  return { state, give, end, events: { [Symbol.asyncIterator]: () => iterator } };
}

describe('on a clock of the test', () => {
  beforeEach(() => void jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate'] }));
  afterEach(() => void jest.useRealTimers());

  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

  function reading(keepAlive = 100) {
    const { state, give, end, events } = source();
    const body = new EventStreamBody(events, keepAlive, encodeEvent);
    const read = { text: '' };
    body.on('data', (chunk: string) => (read.text += chunk)).on('error', () => undefined);
    return { state, give, end, body, read };
  }

  test('silence is filled with a comment, time and again; an event begins it anew', async () => {
    const { give, read } = reading();
    await turn();
    read.text = '';
    jest.advanceTimersByTime(99);
    await turn();
    expect(read.text).toBe('');
    jest.advanceTimersByTime(1);
    await turn();
    jest.advanceTimersByTime(100);
    await turn();
    expect(read.text).toBe(': keep-alive\n\n: keep-alive\n\n');
    jest.advanceTimersByTime(99);
    give('a');
    await turn();
    jest.advanceTimersByTime(99);
    await turn();
    expect(read.text).toMatch(/data: a\n\n$/);
    jest.advanceTimersByTime(1);
    await turn();
    expect(read.text).toMatch(/data: a\n\n: keep-alive\n\n$/);
  });

  test('comments do not pile up before a client that does not read', () => {
    const body = new EventStreamBody(source().events, 100, encodeEvent);
    jest.advanceTimersByTime(10_000);
    expect(body.readableLength).toBe(': connected\n\n'.length);
    body.destroy();
  });

  test.each(['the source ends', 'the server shuts down', 'the client leaves', 'an event cannot be encoded'])(
    'there is no timer left once %s',
    async (how) => {
      const { give, end, body } = reading();
      await turn();
      if (how === 'the source ends') end();
      else if (how === 'the server shuts down') body.finish();
      else if (how === 'the client leaves') body.destroy();
      else give(1n as never);
      await turn();
      expect(jest.getTimerCount()).toBe(0);
    },
  );

  test('a server that shuts down ends the stream after what is there, and closes the source', async () => {
    const { state, give, body, read } = reading();
    const ended = once(body, 'end');
    await turn();
    give('a');
    await Promise.resolve();
    await Promise.resolve();
    body.finish();
    await ended;
    expect(read.text).toBe(': connected\n\ndata: a\n\n');
    expect(state.closed).toBeGreaterThan(0);
    const { closed } = state;
    body.finish();
    expect(state.closed).toBe(closed);
  });

  test('what comes after the end is not written', async () => {
    const { give, body, read } = reading();
    await turn();
    body.finish();
    await turn();
    give('late');
    await turn();
    expect(read.text).toBe(': connected\n\n');
  });

  test('a client that leaves closes the source, even one that fails at it', async () => {
    const { state, body } = reading();
    body.destroy();
    body.finish();
    await turn();
    expect(state.closed).toBe(1);
    const events = {
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise<never>(() => undefined),
        return: () => Promise.reject(new Error('cannot close')),
      }),
    };
    const other = new EventStreamBody(events, 100, encodeEvent);
    other.destroy();
    await turn();
    expect(other.destroyed).toBe(true);
  });
});

describe('a server that shuts down while the client has not read all', () => {
  const late: readonly [string, (source: { give: (data: string) => void; fail: () => void }) => void][] = [
    ['the source gives more', ({ give }) => give('late')],
    ['the source fails', ({ fail }) => fail()],
  ];
  test.each(late)('%s: the client reads what there was, and its end', async (_name, then) => {
    const next = Promise.withResolvers<IteratorResult<ServerSentEvent>>();
    const events = { [Symbol.asyncIterator]: () => ({ next: () => next.promise }) };
    const body = new EventStreamBody(events, 60_000, encodeEvent);
    body.read(0);
    body.finish();
    then({
      give: (data) => next.resolve({ done: false, value: { data } }),
      fail: () => next.reject(new Error('source failed')),
    });
    await new Promise(setImmediate);
    expect(await chunksOf(body)).toEqual([': connected\n\n']);
  });
});

test('an event that cannot be encoded ends the stream with its error, after those before it', async () => {
  const encode = ({ data }: ServerSentEvent): ReturnType<typeof encodeEvent> => {
    if (data === 'bad') throw new Error('cannot be encoded');
    return encodeEvent({ data });
  };
  const body = new EventStreamBody([{ data: 'good' }, { data: 'bad' }, { data: 'late' }], 60_000, encode);
  let text = '';
  body.on('data', (chunk: string) => (text += chunk));
  const [error] = (await once(body, 'error')) as [Error];
  expect([text, error.message]).toEqual([': connected\n\ndata: good\n\n', 'cannot be encoded']);
});

test('what is thrown and is no error becomes one', async () => {
  const events = { [Symbol.asyncIterator]: () => ({ next: () => Promise.reject('text' as never) }) };
  const body = new EventStreamBody(events, 60_000, encodeEvent).resume();
  const [error] = (await once(body, 'error')) as [Error];
  expect(error).toMatchObject({ message: 'An event stream failed.', cause: 'text' });
});

test('a client that does not read keeps the source waiting; once it reads, nothing is missing', async () => {
  let made = 0;
  async function* endless(): AsyncGenerator<ServerSentEvent> {
    for (; made < 200; made += 1) yield { data: 'x'.repeat(1_000) };
  }
  const body = new EventStreamBody(endless(), 60_000, encodeEvent);
  body.read(0);
  for (let turns = 0; turns < 20; turns += 1) await new Promise(setImmediate);
  expect(made).toBeGreaterThan(10);
  expect(made).toBeLessThan(60);
  const chunks = await chunksOf(body);
  expect(chunks.join('').match(/^data: /gm)).toHaveLength(200);
});

test('a list is a source like any other, and is closed like one', async () => {
  const text = (await chunksOf(new EventStreamBody([{ data: 1 }, { data: 2 }], 60_000, encodeEvent))).join('');
  expect(text).toBe(': connected\n\ndata: 1\n\ndata: 2\n\n');
  let closed = false;
  function* generated(): Generator<ServerSentEvent> {
    try {
      for (;;) yield { data: 'x'.repeat(20_000) };
    } finally {
      closed = true;
    }
  }
  const body = new EventStreamBody(generated(), 60_000, encodeEvent);
  body.read(0);
  for (let turns = 0; turns < 5; turns += 1) await new Promise(setImmediate);
  body.destroy();
  for (let turns = 0; turns < 5; turns += 1) await new Promise(setImmediate);
  expect(closed).toBe(true);
});
