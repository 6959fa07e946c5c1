import { expect, test } from '@jest/globals';
import { ConnectionError, FlowpactError, NotFoundError, RateLimitError, ServerError } from './errors.ts';
import { EventStream, type EventStreamOptions, type StreamMessage } from './event-stream.ts';

type Connection = (StreamMessage<string> | Error)[];

const message = (id: string, event: string, retry?: number): StreamMessage<string> => ({ id, event, retry });
const end = message('9', 'end');
const isLast = (event: string): boolean => event === 'end';

/** A stream over connections that are told beforehand; the last one stays. */
function streamOf(connections: Connection[], options: EventStreamOptions<string> = { isLast }) {
  const resumed: (string | undefined)[] = [];
  const slept: number[] = [];
  const signals = new Set<AbortSignal>();
  const source = {
    async *connect(lastEventId: string | undefined, signal: AbortSignal) {
      const connection = connections[Math.min(resumed.length, connections.length - 1)]!;
      resumed.push(lastEventId);
      signals.add(signal);
      for (const item of connection) {
        if (item instanceof Error) throw item;
        yield item;
      }
    },
    delay: (attempt: number) => (attempt + 1) * 10,
    sleep: async (milliseconds: number) => void slept.push(milliseconds),
  };
  const stream = new EventStream<string>(source, options);
  return { stream, resumed, slept, signals };
}

async function eventsOf(stream: AsyncIterable<string>): Promise<string[]> {
  const events: string[] = [];
  for await (const event of stream) events.push(event);
  return events;
}

const api = (ErrorClass: typeof ServerError, status: number): Error =>
  new ErrorClass({
    status,
    code: undefined,
    message: 'no',
    requestId: undefined,
    details: {},
    problems: [],
    headers: new Headers(),
    body: undefined,
    operation: 'watch',
    retryAfter: undefined,
  });

test.each([
  ['a broken connection', new ConnectionError('broke')],
  ['an error that is not of the SDK', new TypeError('terminated')],
  ['a server that failed', api(ServerError, 503)],
])('after %s it goes on', async (_name, error) => {
  const { stream, resumed } = streamOf([[message('1', 'a'), error], [end]]);
  expect(await eventsOf(stream)).toEqual(['a', 'end']);
  expect(resumed).toEqual([undefined, '1']);
});

test.each([
  ['a refusal', api(NotFoundError, 404)],
  ['a limit', api(RateLimitError, 429)],
  ['what cannot be read', new FlowpactError('JSON that cannot be parsed')],
])('after %s it does not', async (_name, error) => {
  const { stream, resumed } = streamOf([[message('1', 'a'), error], [end]]);
  await expect(eventsOf(stream)).rejects.toBe(error);
  expect(resumed).toHaveLength(1);
});

test('pauses grow while nothing comes, and begin anew after an event', async () => {
  const nothing: Connection = [];
  const { stream, slept } = streamOf([nothing, nothing, nothing, [message('1', 'a')], nothing, [end]]);
  expect(await eventsOf(stream)).toEqual(['a', 'end']);
  expect(slept).toEqual([10, 20, 30, 10, 20]);
});

test('the pause that the server asked for holds until it asks for another', async () => {
  const { stream, slept } = streamOf([[message('1', 'a', 7)], [], [message('2', 'b', 0)], [end]]);
  expect(await eventsOf(stream)).toEqual(['a', 'b', 'end']);
  expect(slept).toEqual([7, 7, 0]);
});

test('six connections in a row without an event are the end, with the last failure as the cause', async () => {
  const cause = new ConnectionError('broke');
  const { stream, resumed } = streamOf([[cause]]);
  await expect(eventsOf(stream)).rejects.toMatchObject({
    name: 'StreamError',
    message: 'the event stream broke 6 times in a row without an event',
    cause,
  });
  expect(resumed).toHaveLength(6);
});

test('a connection that ended well is no cause', async () => {
  const { stream } = streamOf([[new ConnectionError('broke')], []], { isLast, maxReconnects: 1 });
  await expect(eventsOf(stream)).rejects.toMatchObject({ cause: undefined });
});

test('without reconnections the first end is the end', async () => {
  const { stream, resumed, slept } = streamOf([[message('1', 'a')]], { isLast, maxReconnects: 0 });
  const events: string[] = [];
  const read = async (): Promise<void> => {
    for await (const event of stream) events.push(event);
  };
  await expect(read()).rejects.toThrow('broke 1 times in a row');
  expect([events, resumed, slept]).toEqual([['a'], [undefined], []]);
});

test('lastEventId is that of the last event handed out', async () => {
  const { stream } = streamOf([[message('1', 'a'), message('2', 'b'), end]], { isLast, lastEventId: '0' });
  expect(stream.lastEventId).toBe('0');
  for await (const event of stream) {
    if (event === 'b') break;
  }
  expect(stream.lastEventId).toBe('2');
});

test('events without an id are all handed out on the first connection', async () => {
  const { stream, resumed } = streamOf([[message('', 'a'), message('', 'b'), message('', 'end')]]);
  expect(await eventsOf(stream)).toEqual(['a', 'b', 'end']);
  expect(resumed).toEqual([undefined]);
});

test('close ends the loop without an error, and the connection', async () => {
  const { stream, signals } = streamOf([[message('1', 'a'), new ConnectionError('closed')]]);
  const events: string[] = [];
  for await (const event of stream) {
    events.push(event);
    stream.close();
  }
  expect(events).toEqual(['a']);
  expect([...signals].map(({ aborted }) => aborted)).toEqual([true]);
});

test('once the loop has ended the connection has too, and nobody listens to the caller', async () => {
  const controller = new AbortController();
  const { signal } = controller;
  const { stream, signals } = streamOf([[end]], { isLast, signal });
  let listening = 0;
  signal.addEventListener = () => void (listening += 1);
  signal.removeEventListener = () => void (listening -= 1);
  await eventsOf(stream);
  expect([...signals].map(({ aborted }) => aborted)).toEqual([true]);
  expect(listening).toBe(0);
});

test("the caller's abort is an AbortError with its reason, even where it came first", async () => {
  const controller = new AbortController();
  const { stream, signals } = streamOf([[message('1', 'a'), new ConnectionError('broke')]], {
    isLast,
    signal: controller.signal,
  });
  const read = async (): Promise<void> => {
    for await (const _event of stream) controller.abort('enough');
  };
  await expect(read()).rejects.toMatchObject({ name: 'AbortError', cause: 'enough' });
  expect([...signals].map(({ reason }) => reason as unknown)).toEqual(['enough']);
  const late = streamOf([[new ConnectionError('broke')]], { isLast, signal: AbortSignal.abort('before') });
  await expect(eventsOf(late.stream)).rejects.toMatchObject({ name: 'AbortError', cause: 'before' });
});
