import { describe, expect, test } from '@jest/globals';
import { createLogger } from './logger.ts';
import { NestLogger } from './nest-logger.ts';

function capture(level = 'info') {
  const lines: string[] = [];
  const logger = createLogger({ LOG_LEVEL: level, LOG_FORMAT: 'json' }, { write: (line) => void lines.push(line) });
  return { logger, lines, last: () => JSON.parse(lines.at(-1) ?? 'null') };
}

describe('the log', () => {
  test('writes one JSON object a line with level, time and message', () => {
    const { logger, last } = capture();
    logger.info({ request_id: 'r1' }, 'hello');
    expect(last()).toEqual({
      level: 'info',
      time: expect.stringMatching(/^\d{4}-.*Z$/),
      request_id: 'r1',
      msg: 'hello',
    });
  });

  test('hides secrets by name, also deep inside', () => {
    const { logger, lines } = capture();
    logger.info({
      headers: { authorization: 'Bearer abc', cookie: 'session=abc', 'x-api-key': 'abc' },
      user: { email: 'a@b.c', password: 'abc', session: { refreshToken: 'abc' } },
      secret: 'abc',
    });
    expect(lines[0]).not.toContain('abc');
    expect(lines[0]).toContain('a@b.c');
  });

  test('hides secrets by their shape in any text', () => {
    const { logger, lines } = capture();
    logger.warn(
      new Error('refused key fp_live_0123456789abcdef for postgresql://me:hunter2@db/x'),
      'Authorization: Bearer abc.def',
    );
    logger.info('token eyJhbGciOi.eyJzdWIi.c2lnbmF0dXJl');
    const text = lines.join('');
    expect(text).not.toMatch(/0123456789abcdef|hunter2|abc\.def|c2lnbmF0dXJl/);
    expect(text).toContain('postgresql://me:[redacted]@db/x');
  });
});

test('a token is hidden wherever it begins, and what is none stays', () => {
  const { logger, last } = capture();
  logger.info('a.b.eyJhbGciOi.eyJzdWIi.c2lnbg x-eyJhbGciOi.eyJzdWIi.c2lnbg.more eyJhbGciOi.eyJzdWIi keyJa.b.c ..');
  expect(last().msg).toBe('a.b.[redacted token] x-[redacted token].more eyJhbGciOi.eyJzdWIi keyJa.b.c ..');
});

// What takes a time that grows with the square of the length takes minutes for these.
test.each(['a.', 'eyJ-', 'eyJa.', 'a://', 'Bearer ', 'a:b@'])(
  'a line of a megabyte of %s is searched for secrets at once',
  (part) => {
    const { logger, lines } = capture();
    logger.info(part.repeat(1_000_000 / part.length));
    expect(lines).toHaveLength(1);
  },
);

describe('NestLogger', () => {
  test('takes a text and the component', () => {
    const { logger, last } = capture();
    new NestLogger(logger).log('started', 'Engine');
    expect(last()).toMatchObject({ level: 'info', component: 'Engine', msg: 'started' });
  });

  test('takes fields, a text and the component', () => {
    const { logger, last } = capture();
    new NestLogger(logger).warn({ executionId: 'exec_1' }, 'slow', 'Engine');
    expect(last()).toMatchObject({ level: 'warn', component: 'Engine', executionId: 'exec_1', msg: 'slow' });
  });

  test('takes an error', () => {
    const { logger, last } = capture();
    new NestLogger(logger).error(new Error('broken', { cause: new Error('deeper') }), 'Engine');
    expect(last()).toMatchObject({
      level: 'error',
      component: 'Engine',
      err: { message: 'broken', cause: { message: 'deeper' } },
    });
  });

  test("keeps Nest's own start-up lines out of the ordinary log", () => {
    const { logger, lines } = capture();
    new NestLogger(logger).log('Mapped {/x, GET} route', 'RouterExplorer');
    expect(lines).toEqual([]);
  });
});
