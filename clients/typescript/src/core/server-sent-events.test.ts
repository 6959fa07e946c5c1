import { expect, jest, test } from '@jest/globals';
import { StreamError } from './errors.ts';
import { readMessages, type ServerSentEvent, ServerSentEventParser } from './server-sent-events.ts';

function parse(text: string, size = text.length): ServerSentEvent[] {
  const parser = new ServerSentEventParser();
  const pieces = text.match(new RegExp(`[^]{1,${size}}`, 'g')) ?? [];
  return pieces.flatMap((piece) => parser.push(piece));
}

const message = { event: 'message', id: '', retry: undefined };

test.each<[string, string, Partial<ServerSentEvent>[]]>([
  ['one line of data', 'data: a\n\n', [{ data: 'a' }]],
  ['several lines of data are joined', 'data: a\ndata: b\n\n', [{ data: 'a\nb' }]],
  ['CRLF and CR end lines too', 'data: a\r\n\r\ndata: b\r\rdata: c\n\n', [{ data: 'a' }, { data: 'b' }, { data: 'c' }]],
  ['only one space after the colon is taken', 'data:  a\n\ndata:b\n\n', [{ data: ' a' }, { data: 'b' }]],
  ['a name and an id', 'id: 7\nevent: x\ndata: a\n\n', [{ data: 'a', event: 'x', id: '7' }]],
  [
    'the id stays, the name does not',
    'id: 7\nevent: x\ndata: a\n\ndata: b\n\n',
    [
      { data: 'a', event: 'x', id: '7' },
      { data: 'b', id: '7' },
    ],
  ],
  ['an empty id resets it', 'id: 7\ndata: a\n\nid\ndata: b\n\n', [{ data: 'a', id: '7' }, { data: 'b' }]],
  ['an id with a NUL is ignored', 'id: a\0b\ndata: a\n\n', [{ data: 'a' }]],
  ['comments are nothing', ': hello\n\ndata: a\n\n', [{ data: 'a' }]],
  ['no data, no event', 'event: x\n\ndata: a\n\n', [{ data: 'a' }]],
  ['empty data is an event', 'data\n\n', [{ data: '' }]],
  ['an event that was not ended is dropped', 'data: a\n', []],
  ['a byte order mark at the start', '\uFEFFdata: a\n\n', [{ data: 'a' }]],
  [
    'retry counts only as digits',
    'retry: 10\ndata: a\n\nretry: 1x\ndata: b\n\n',
    [
      { data: 'a', retry: 10 },
      { data: 'b', retry: 10 },
    ],
  ],
  ['unknown fields are ignored', 'foo: bar\ndata: a\n\n', [{ data: 'a' }]],
])('%s', (_name, text, expected) => {
  const want = expected.map((event) => ({ ...message, ...event }));
  expect(parse(text)).toEqual(want);
  expect(parse(text, 1)).toEqual(want);
  expect(parse(text, 3)).toEqual(want);
});

test('a parser begins after the event that it is told of', () => {
  expect(new ServerSentEventParser('7').push('data: a\n\n')).toEqual([{ ...message, data: 'a', id: '7' }]);
});

/** An answer of these pieces, which then stays open unless it is closed; whether its reader has left. */
function answerOf(pieces: Uint8Array[], close: boolean) {
  const state = { cancelled: 0 };
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const piece of pieces) controller.enqueue(piece);
      if (close) controller.close();
    },
    cancel: () => void (state.cancelled += 1),
  });
  return { state, response: new Response(body) };
}

async function dataOf(messages: AsyncIterable<ServerSentEvent>): Promise<string[]> {
  const data: string[] = [];
  for await (const each of messages) data.push(each.data);
  return data;
}

test('a character may be cut in two between pieces of an answer', async () => {
  const bytes = new TextEncoder().encode('data: é😀\n\n');
  const { response } = answerOf(
    Array.from(bytes, (byte) => Uint8Array.of(byte)),
    true,
  );
  expect(await dataOf(readMessages(response, undefined, 60_000))).toEqual(['é😀']);
});

test('an answer without a body has no messages', async () => {
  expect(await dataOf(readMessages(new Response(null), undefined, 60_000))).toEqual([]);
});

test('who leaves the loop leaves the connection', async () => {
  const { state, response } = answerOf([new TextEncoder().encode('data: a\n\ndata: b\n\n')], false);
  for await (const { data } of readMessages(response, '7', 60_000)) {
    expect(data).toBe('a');
    break;
  }
  expect(state.cancelled).toBe(1);
});

test('silence is a StreamError, and leaves the connection', async () => {
  jest.useFakeTimers();
  try {
    const { state, response } = answerOf([], false);
    const failed = dataOf(readMessages(response, undefined, 100)).catch((error: unknown) => error);
    await jest.advanceTimersByTimeAsync(100);
    expect(await failed).toEqual(new StreamError('nothing came for 100 ms'));
    expect(state.cancelled).toBe(1);
  } finally {
    jest.useRealTimers();
  }
});
