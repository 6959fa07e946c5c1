import { expect, test } from '@jest/globals';
import { NodeFailure } from '../../nodes/node-type.ts';
import { LimitFailure, toErrorRecord, toNodeFailure } from './outcome.ts';

test('a failure of a node is remembered with its code, its words and its details', () => {
  const failure = new NodeFailure('oops', 'It failed.', { at: 3 });
  const record = toErrorRecord(failure);
  expect(record).toEqual({ code: 'oops', message: 'It failed.', details: { at: 3 } });
  expect(toNodeFailure(record)).toEqual(failure);
  expect(toNodeFailure(record)).not.toBeInstanceOf(LimitFailure);
});

test('a time limit stays one, with the node that has it', () => {
  const record = toErrorRecord(new LimitFailure('timeout', 'Too long.', { timeout: '5s' }, 'each[1].a'));
  expect(record).toEqual({ code: 'timeout', message: 'Too long.', details: { timeout: '5s' }, limit: 'each[1].a' });
  const back = toNodeFailure(JSON.parse(JSON.stringify(record)));
  expect(back).toBeInstanceOf(LimitFailure);
  expect(toErrorRecord(back)).toEqual(record);
});

test('10,000 characters of a message are kept, and no more', () => {
  const lengths = [9_999, 10_000, 10_001].map(
    (length) => toErrorRecord(new NodeFailure('oops', 'x'.repeat(length))).message.length,
  );
  expect(lengths).toEqual([9_999, 10_000, 10_000]);
});

test('nothing is told of what lies with the platform', () => {
  for (const error of [new TypeError('secret detail'), 'secret detail', undefined, { code: 'oops', message: 'x' }])
    expect(toErrorRecord(error)).toEqual({
      code: 'internal_error',
      message: 'The node failed for a reason that lies with the platform.',
      details: {},
    });
});
