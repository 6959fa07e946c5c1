import { expect, test } from '@jest/globals';
import { parseEventStream, type StreamEvent } from './event-stream.ts';

const event = (data: string, more: Partial<StreamEvent> = {}): StreamEvent => ({
  event: 'message',
  id: undefined,
  data,
  ...more,
});

test.each<[string, string, StreamEvent[]]>([
  ['an event without a name is a message', 'data: a\n\n', [event('a')]],
  ['name and id', 'id: 7\nevent: tick\ndata: a\n\n', [event('a', { id: '7', event: 'tick' })]],
  [
    'neither goes over to the next event',
    'id: 7\nevent: tick\ndata: a\n\ndata: b\n\n',
    [event('a', { id: '7', event: 'tick' }), event('b')],
  ],
  ['several lines of data are joined', 'data: a\ndata: b\n\n', [event('a\nb')]],
  ['CRLF ends lines too', 'event: tick\r\ndata: a\r\n\r\n', [event('a', { event: 'tick' })]],
  ['one space after the colon is left out', 'data:  a\n\ndata:b\n\n', [event(' a'), event('b')]],
  ['a colon in the data stays', 'data: a: b\n\n', [event('a: b')]],
  ['a field without a colon is empty', 'data\n\nid\ndata: a\n\n', [event(''), event('a', { id: '' })]],
  ['a comment and unknown fields are nothing', ': hello\n\nretry: 5\n\nfoo: bar\ndata: a\n\n', [event('a')]],
  ['without data there is no event', 'event: tick\n\n', []],
  ['nothing at all', '', []],
])('%s', (_name, text, expected) => {
  expect(parseEventStream(text, { complete: true })).toEqual(expected);
  expect(parseEventStream(text, { complete: false })).toEqual(expected);
});

test.each([
  ['data: b', 'data: b'],
  ['\ndata: b\n', '\ndata: b\n'],
  ['event: tick\n: b', 'event: tick\n: b'],
])('what is left over at the end of a whole stream, %j, is an unfinished event', (rest, data) => {
  const text = `data: a\n\n${rest}`;
  expect(parseEventStream(text, { complete: true })).toEqual([event('a'), { event: 'unfinished', data }]);
  expect(parseEventStream(text, { complete: false })).toEqual([event('a')]);
});

test.each([' ', '\n', ': keep-al'])('an end of %j is no unfinished event', (rest) => {
  expect(parseEventStream(`data: a\n\n${rest}`, { complete: true })).toEqual([event('a')]);
});
