import { expect, test } from '@jest/globals';
import { type AsyncDocument, LiveMessages } from './live-messages.ts';

const message = (name: string): { $ref: string } => ({ $ref: `#/components/messages/${name}` });
const schema = (type: string, more: object = {}): never =>
  ({ type: 'object', required: ['type'], properties: { type: { const: type }, ...more } }) as never;

/** Two channels: on `one` the server sends and answers what the client sends; on `many` the client only asks. */
const messages = LiveMessages.of({
  asyncapi: '3.0.0',
  channels: {},
  operations: {
    send: { action: 'send', channel: { $ref: '#/channels/one' }, messages: [message('started'), message('ended')] },
    ask: {
      action: 'receive',
      channel: { $ref: '#/channels/one' },
      messages: [message('ping')],
      reply: { messages: [message('pong'), message('ended')] },
    },
    wish: { action: 'receive', channel: { $ref: '#/channels/many' }, messages: [message('subscribe')] },
  },
  components: {
    messages: Object.fromEntries(
      ['started', 'ended', 'ping', 'pong', 'subscribe'].map((name) => [
        name,
        { payload: { $ref: `#/components/schemas/${name}` } },
      ]),
    ),
    schemas: {
      started: schema('started', { at: { type: 'string', format: 'date-time' } }),
      ended: schema('ended'),
      ping: schema('ping'),
      pong: schema('pong'),
      subscribe: schema('subscribe'),
    },
  },
} satisfies AsyncDocument);

test.each([
  ['one', 'server', ['started', 'ended', 'pong']],
  ['one', 'client', ['ping']],
  ['many', 'server', []],
  ['many', 'client', ['subscribe']],
  ['other', 'server', []],
] as const)('on channel %s the %s may send %j', (channel, from, expected) => {
  expect(messages.names(channel, from)).toEqual(expected);
});

test.each([
  ['one', 'server', { type: 'started', at: '2026-01-01T00:00:00Z' }],
  ['one', 'server', { type: 'pong' }],
  ['one', 'client', { type: 'ping' }],
] as const)('on channel %s the %s may send %j', (channel, from, payload) => {
  expect(messages.problems(channel, from, payload)).toEqual([]);
});

test.each([
  ['a message of the other side', 'one', 'server', { type: 'ping' }, 'ping'],
  ['a message of another channel', 'many', 'client', { type: 'ping' }, 'ping'],
  ['a message that nobody sends', 'many', 'server', { type: 'pong' }, 'pong'],
  ['a message that is not known', 'one', 'server', { type: 'done' }, 'done'],
  ['a known message with a wrong value', 'one', 'server', { type: 'started', at: 'yesterday' }, 'started'],
  ['what is no message', 'one', 'server', null, 'undefined'],
] as const)('%s is a problem', (_name, channel, from, payload, type) => {
  const problem = `no message of channel ${channel} fits ${type}: ${JSON.stringify(payload)}`;
  expect(messages.problems(channel, from, payload)).toEqual([problem]);
});

test('a problem quotes no more than 500 characters of a message', () => {
  const [problem] = messages.problems('one', 'server', { type: 'x', text: 'a'.repeat(1_000) });
  expect(problem).toHaveLength('no message of channel one fits x: '.length + 500);
});

test("the platform's own document loads", async () => {
  const own = await LiveMessages.load();
  expect(own.problems('execution', 'server', { type: 'nonsense' })).toHaveLength(1);
  expect(own.names('executions', 'client')).toContain('subscribe');
});
