import { describe, expect, test } from '@jest/globals';
import { ResourceNotFoundError } from '../../domain/domain-error.ts';
import { DatabaseUnavailableError, translateDatabaseError } from './unavailable.ts';

describe('translateDatabaseError', () => {
  test.each([
    ['a refused connection', Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:5432'), { code: 'ECONNREFUSED' })],
    [
      'a server that shuts down',
      Object.assign(new Error('terminating connection due to administrator command'), { code: '57P01' }),
    ],
    ['a server that is full', Object.assign(new Error('sorry, too many clients already'), { code: '53300' })],
    ['a disk that is full', Object.assign(new Error('could not extend file'), { code: '53100' })],
    ['a server that only reads', Object.assign(new Error('cannot execute INSERT'), { code: '25006' })],
    ['a deadlock', Object.assign(new Error('deadlock detected'), { code: '40P01' })],
    ['a connection lost in a query', new Error('Connection terminated unexpectedly')],
    ['a pool without a free connection', new Error('timeout exceeded when trying to connect')],
    [
      'one of them as a cause',
      new Error('The query failed.', { cause: new Error('Connection terminated unexpectedly') }),
    ],
  ])('%s means that the service is unavailable', (_what, error) => {
    expect(translateDatabaseError(error)).toBeInstanceOf(DatabaseUnavailableError);
  });

  test.each([
    ['a violated constraint', Object.assign(new Error('duplicate key value'), { code: '23505' })],
    ['text beyond the longest string', new RangeError('Invalid string length')],
    ['a mistake in the program', new TypeError('x is not a function')],
    ['a refusal of the domain', new ResourceNotFoundError('workflow', 'wf_1')],
    ['nothing', undefined],
  ])('%s stays what it is', (_what, error) => {
    expect(translateDatabaseError(error)).toBe(error);
  });
});
