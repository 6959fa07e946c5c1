import { expect, test } from '@jest/globals';

import { encodeEvent, EventStreamBody } from './event-stream.ts';
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
