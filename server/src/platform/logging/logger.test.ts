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

  test('hides secrets by name down to five levels', () => {
    const { logger, last } = capture();
    logger.info({ token: 'abc', a: { token: 'abc', a: { token: 'abc', a: { token: 'abc', a: { token: 'abc' } } } } });
    const hidden = '[redacted]';
    expect(last()).toMatchObject({
      token: hidden,
      a: { token: hidden, a: { token: hidden, a: { token: hidden, a: { token: hidden } } } },
    });
  });

  test('leaves out what is below its level', () => {
    const { logger, lines } = capture('warn');
    logger.info('no');
    logger.warn('yes');
    expect(lines).toHaveLength(1);
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

  test.each([
    ['fatal', 'fatal'],
    ['error', 'error'],
    ['warn', 'warn'],
    ['log', 'info'],
    ['debug', 'debug'],
    ['verbose', 'trace'],
  ] as const)('%s is logged as %s', (method, level) => {
    const { logger, last } = capture('trace');
    new NestLogger(logger)[method]('text', 'Engine');
    expect(last()).toMatchObject({ level, component: 'Engine', msg: 'text' });
  });

  const stack = 'Error: broken\n    at here';
  test.each<[given: unknown[], want: object]>([
    [['text'], { msg: 'text' }],
    [[{ a: 1 }, 'text'], { a: 1, msg: 'text' }],
    [[{ a: 1 }], { a: 1 }],
    [['broken', stack, 'Engine'], { component: 'Engine', stack, msg: 'broken' }],
    [[new Error('broken'), 'text', 'Engine'], { component: 'Engine', msg: 'text' }],
    [[5, 'Engine'], { component: 'Engine', msg: '5' }],
    [[null, 'Engine'], { component: 'Engine', msg: 'null' }],
    [[undefined], { msg: 'undefined' }],
  ])('%j becomes %j', (given, want) => {
    const { logger, last } = capture();
    const [message, ...rest] = given;
    new NestLogger(logger).error(message, ...rest);
    const { level, time, err, ...line } = last();
    expect([level, typeof time, line]).toEqual(['error', 'string', want]);
    expect(err === undefined).toBe(!(message instanceof Error));
  });

  test("keeps Nest's own start-up lines out of the ordinary log", () => {
    const { logger, lines } = capture();
    new NestLogger(logger).log('Mapped {/x, GET} route', 'RouterExplorer');
    expect(lines).toEqual([]);
  });
});
