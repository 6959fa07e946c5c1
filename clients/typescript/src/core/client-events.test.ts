import { describe, expect, test } from '@jest/globals';
import { client, errorFrom, failure, serveEachTest, server, slept } from '../../test/pets-client.ts';
import { operations } from '../../test/pets-contract.ts';
import { events, hangUp, json } from '../../test/recording-server.ts';
import { AbortError, NotFoundError } from './index.ts';

serveEachTest();

describe('events', () => {
  const get = { path: { pet_id: 'p1' } };
  const event = (id: number, type: string): string =>
    `id: ${id}\nevent: ${type}\ndata: ${JSON.stringify({ sequence: id, type })}\n\n`;
  interface PetEvent {
    sequence: number;
    type: string;
  }
  const isLast = (pet: PetEvent): boolean => pet.type === 'end';

  async function all(stream: AsyncIterable<PetEvent>): Promise<number[]> {
    const seen: number[] = [];
    for await (const { sequence } of stream) seen.push(sequence);
    return seen;
  }

  test('a stream ends at its last event, with the connection closed', async () => {
    server.answer(events(event(1, 'a') + ': keep-alive\n\n' + event(2, 'end') + event(3, 'late'), 'stay'));
    expect(await all(client().stream<PetEvent>(operations.watchPet, get, { isLast }))).toEqual([1, 2]);
    expect(server.requests[0]!.headers.accept).toBe('text/event-stream');
    expect(server.requests[0]!.headers).not.toHaveProperty('last-event-id');
  });

  test('a broken connection is taken up after the last event', async () => {
    server.answer(
      events(event(1, 'a') + event(2, 'b') + 'id: 3\ndata: {"sequ', 'break'),
      hangUp,
      events(event(3, 'c'), 'close'),
      events(event(4, 'end')),
    );
    expect(await all(client().stream<PetEvent>(operations.watchPet, get, { isLast }))).toEqual([1, 2, 3, 4]);
    const resumed = server.requests.map((request) => request.headers['last-event-id']);
    expect(resumed).toEqual([undefined, '2', '2', '3']);
  });

  const greeting = `event: hello\ndata: ${JSON.stringify({ sequence: 0, type: 'hello' })}\n\n`;

  test('what greets every connection is handed out once', async () => {
    server.answer(events(greeting + event(1, 'a')), events(greeting + event(2, 'end')));
    expect(await all(client().stream<PetEvent>(operations.watchPet, get, { isLast }))).toEqual([0, 1, 2]);
  });

  test('it gives up on connections that bring only a greeting', async () => {
    server.answer(events(greeting + event(1, 'a')), events(greeting));
    const stream = client().stream<PetEvent>(operations.watchPet, get, { isLast, maxReconnects: 2 });
    await expect(all(stream)).rejects.toThrow('the event stream broke 3 times in a row without an event');
  });

  test('a last event that comes again still ends it', async () => {
    server.answer(events(greeting + event(7, 'end'), 'stay'));
    const stream = client().stream<PetEvent>(operations.watchPet, get, { isLast, lastEventId: '7' });
    expect(await all(stream)).toEqual([7]);
  });

  test('it may start after an event seen earlier', async () => {
    server.answer(events(event(8, 'end')));
    await all(client().stream<PetEvent>(operations.watchPet, get, { isLast, lastEventId: '7' }));
    expect(server.requests[0]!.headers['last-event-id']).toBe('7');
  });

  test('without a last event it ends when the server closes', async () => {
    server.answer(events(event(1, 'a')));
    expect(await all(client().stream<PetEvent>(operations.watchPet, get))).toEqual([1]);
    expect(server.requests).toHaveLength(1);
  });

  test('silence counts as a broken connection', async () => {
    server.answer(events(event(1, 'a'), 'stay'), events(event(2, 'end')));
    const stream = client().stream<PetEvent>(operations.watchPet, get, { isLast, idleTimeout: 50 });
    expect(await all(stream)).toEqual([1, 2]);
  });

  test('it gives up after connections in a row that brought nothing', async () => {
    server.answer(events(': nothing\n\n'));
    const error = await errorFrom(
      all(client().stream<PetEvent>(operations.watchPet, get, { isLast, maxReconnects: 2 })),
    );
    expect((error as Error).message).toBe('the event stream broke 3 times in a row without an event');
    expect(slept).toEqual([500, 1000]);
  });

  test('the reconnection time of the server is kept to', async () => {
    server.answer(events('retry: 1234\n' + event(1, 'a')), events(event(2, 'end')));
    await all(client().stream<PetEvent>(operations.watchPet, get, { isLast }));
    expect(slept).toEqual([1234]);
  });

  test('404 is thrown, not taken up again', async () => {
    server.answer(json(404, failure('resource_not_found')));
    const error = await errorFrom(all(client().stream<PetEvent>(operations.watchPet, get, { isLast })));
    expect(error).toBeInstanceOf(NotFoundError);
    expect(server.requests).toHaveLength(1);
  });

  test('an abort ends the loop with an AbortError', async () => {
    server.answer(events(event(1, 'a'), 'stay'));
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 50);
    const error = await errorFrom(
      all(client().stream<PetEvent>(operations.watchPet, get, { isLast, signal: controller.signal })),
    );
    expect(error).toBeInstanceOf(AbortError);
  });

  test('leaving the loop closes the connection', async () => {
    let closed: () => void;
    const gone = new Promise<void>((resolve) => (closed = resolve));
    server.answer((response) => {
      response.on('close', () => closed());
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(event(1, 'a') + event(2, 'b'));
    });
    for await (const { sequence } of client().stream<PetEvent>(operations.watchPet, get, { isLast })) {
      if (sequence === 1) break;
    }
    await gone;
    expect(server.requests).toHaveLength(1);
  });
});
