import { describe, expect, test } from '@jest/globals';
import { EngineUnavailableError } from './execution/execution.errors.ts';
import { SandboxUnavailableError } from './language/sandbox.errors.ts';
import { isPassing, passingOf } from './passing-error.ts';

function withCode(code: string, message = 'It failed.'): Error {
  return Object.assign(new Error(message), { code });
}

describe('an error passes by itself', () => {
  test.each([
    ['a refused connection', withCode('ECONNREFUSED')],
    ['a host that is unreachable', withCode('EHOSTUNREACH')],
    ['a connection lost in a query', new Error('Connection terminated unexpectedly')],
    ['a pool without a free connection', new Error('timeout exceeded when trying to connect')],
    ['a connection that broke before', new Error('Client has encountered a connection error and is not queryable')],
    ['a connection failure', withCode('08006')],
    ['a full disk', withCode('53100')],
    ['too many connections', withCode('53300')],
    ['a server that shuts down', withCode('57P01')],
    ['a cancelled statement', withCode('57014')],
    ['an input or output error', withCode('58030')],
    ['a server that only reads', withCode('25006')],
    ['a transaction that stood still', withCode('25P03')],
  ])('when it is %s: unavailable', (_what, error) => {
    expect(passingOf(error)).toBe('unavailable');
  });

  test.each([
    ['a serialization failure', withCode('40001')],
    ['a deadlock', withCode('40P01')],
    ['a lock that cannot be had', withCode('55P03')],
  ])('when it is %s: contended', (_what, error) => {
    expect(passingOf(error)).toBe('contended');
  });

  test.each([
    ['the engine', new EngineUnavailableError('The process stops.')],
    ['the sandbox', new SandboxUnavailableError('unavailable')],
  ])('when %s of a process that is stopping takes nothing more: unavailable', (_what, error) => {
    expect(passingOf(error)).toBe('unavailable');
  });

  test('when its cause does', () => {
    expect(isPassing(new Error('The query failed.', { cause: withCode('57P03') }))).toBe(true);
  });
});

describe('an error does not pass by itself', () => {
  test('when a user has given it the code of one that does', () => {
    expect(isPassing(withCode('service_unavailable'))).toBe(false);
  });

  const endless: { cause?: unknown } = {};
  endless.cause = endless;
  test.each([
    ['text beyond the longest string', new RangeError('Invalid string length')],
    ['a mistake in the program', new TypeError('x is not a function')],
    ['a value that a cycle runs through', new TypeError('Converting circular structure to JSON')],
    ['an error of the program with a code', withCode('ERR_STRING_TOO_LONG')],
    ['a value that the database refuses', withCode('22P02')],
    ['a NUL in the text of a statement', withCode('08P01', 'invalid message format')],
    ['a violated constraint', withCode('23505')],
    ['a limit of the database', withCode('54000')],
    ['a transaction that is aborted', withCode('25P02')],
    ['an internal error of the database', withCode('XX000')],
    ['a value that was thrown', 'Connection'],
    ['nothing', undefined],
    ['null', null],
    ['a cause of itself', endless],
  ])('when it is %s', (_what, error) => {
    expect(isPassing(error)).toBe(false);
  });
});
