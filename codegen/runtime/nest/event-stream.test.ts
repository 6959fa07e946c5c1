import { expect, test } from '@jest/globals';

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
