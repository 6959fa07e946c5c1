import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { SandboxOutcome, SandboxTask } from '../../domain/language/sandbox.ts';
import { QuickJsSandbox } from './quickjs-sandbox.ts';

const sandbox = new QuickJsSandbox();

type More = Partial<Omit<SandboxTask, 'globals'>> & { globals?: Record<string, string | undefined> };

const task = (source: string, { globals = {}, ...more }: More = {}): SandboxTask => ({
  organisationId: 'org_1',
  kind: 'expression',
  source,
  globals: () => globals,
  seed: 'exec_1:node:1#0',
  now: Date.UTC(2026, 0, 2, 3, 4, 5),
  ...more,
});

const run = async (source: string, more: More = {}): Promise<SandboxOutcome> =>
  (await sandbox.run([task(source, more)]))[0]!;

const value = async (source: string, more: More = {}): Promise<unknown> => {
  const outcome = await run(source, more);
  if (!outcome.ok) throw new Error(`${outcome.reason}: ${outcome.message}`);
  return outcome.json === undefined ? undefined : JSON.parse(outcome.json);
};

const reason = async (source: string, more: More = {}): Promise<string> => {
  const outcome = await run(source, more);
  return outcome.ok ? `ok ${outcome.json?.slice(0, 100)}` : outcome.reason;
};

beforeAll(() => value('1'));
afterAll(() => sandbox.stop());

describe('expressions', () => {
  test.each<[source: string, want: unknown]>([
    ['1 + 1', 2],
    ['input.qty * 2', 8],
    ['({ a: [input.qty, null] })', { a: [4, null] }],
    ['{ a: 1 }', { a: 1 }],
    ['input.items.map((item) => item.name).join()', 'a,b'],
    ['undefined', undefined],
    ['() => 1', undefined],
    ['"\u2028 \u0000 é 😀"', '\u2028 \u0000 é 😀'],
    ['missing', undefined],
    ['new Date(0).toISOString()', '1970-01-01T00:00:00.000Z'],
  ])('%s', async (source, want) => {
    const globals = { input: JSON.stringify({ qty: 4, items: [{ name: 'a' }, { name: 'b' }] }), missing: undefined };
    expect(await value(source, { globals })).toEqual(want);
  });

  test('a key named __proto__ in the data is data', async () => {
    const globals = { input: '{"__proto__":{"admin":true},"a":1}' };
    expect(await value('[input.admin === undefined, Object.keys(input)]', { globals })).toEqual([
      true,
      ['__proto__', 'a'],
    ]);
  });

  test('what is thrown is the message', async () => {
    expect(await run('null.x')).toMatchObject({
      ok: false,
      reason: 'error',
      message: expect.stringContaining('TypeError'),
    });
    expect(await run('(() => { throw "plain" })()')).toMatchObject({ ok: false, reason: 'error', message: 'plain' });
    expect(await run('unknown_name')).toMatchObject({ ok: false, message: expect.stringContaining('unknown_name') });
  });
});

describe('repeatable', () => {
  test('the clock stands still where the caller set it, in UTC', async () => {
    expect(
      await value(
        '[Date.now(), new Date().toISOString(), new Date(2026, 0, 1).getTime(), new Date().getTimezoneOffset()]',
      ),
    ).toEqual([Date.UTC(2026, 0, 2, 3, 4, 5), '2026-01-02T03:04:05.000Z', Date.UTC(2026, 0, 1), 0]);
  });

  test('equal seeds give equal random numbers, others give others', async () => {
    const random = '[Math.random(), Math.random()]';
    const first = await value(random, { seed: 'a' });
    expect(await value(random, { seed: 'a' })).toEqual(first);
    const others = await Promise.all(
      Array.from({ length: 50 }, (_, index) => value('Math.random()', { seed: `a#${index}` })),
    );
    expect(new Set(others).size).toBe(50);
  });
});

describe('programs', () => {
  test('return, await, and log', async () => {
    const source = `
      console.log('qty', input.qty, { deep: [1] });
      console.warn('careful');
      const doubled = await Promise.resolve(input.qty * 2);
      return { doubled };`;
    expect(await run(source, { kind: 'program', globals: { input: '{"qty":3}' } })).toEqual({
      ok: true,
      json: '{"doubled":6}',
      logs: [
        { level: 'info', message: 'qty 3 {"deep":[1]}' },
        { level: 'warn', message: 'careful' },
      ],
    });
  });

  test('a rejection is a failure', async () => {
    expect(await run('throw new RangeError("no")', { kind: 'program' })).toEqual({
      ok: false,
      reason: 'error',
      message: 'RangeError: no',
    });
  });

  test('a promise that nobody settles is a failure, not a wait', async () => {
    expect(await run('await new Promise(() => {})', { kind: 'program' })).toMatchObject({
      ok: false,
      reason: 'error',
      message: expect.stringContaining('no timers'),
    });
  });
});

describe('attacks end as a failed evaluation', () => {
  test.each<[name: string, source: string, want: string]>([
    ['endless loop', '(() => { while (true); })()', 'time'],
    ['endless loop in a finally', '(() => { try { while (true); } finally { while (true); } })()', 'time'],
    ['catastrophic regular expression', '/(a+)+$/.test("a".repeat(40) + "b")', 'time'],
    ['endless getter while the result is written', '({ get a() { while (true); } })', 'time'],
    ['endless comparison', '[3, 1, 2].sort(() => { while (true); })', 'time'],
    ['native loop that never looks at the clock', 'Array.prototype.indexOf.call({ length: 2 ** 53 - 1 }, 1)', 'time'],
    ['a buffer larger than the memory', 'new ArrayBuffer(2 ** 26).byteLength', 'memory'],
    ['endless recursion', '(function f() { return f() + 1; })()', 'stack'],
    ['result too large', '"x".repeat(2 ** 21)', 'output'],
  ])('%s', async (_, source, want) => {
    expect(await reason(source)).toBe(want);
    expect(await value('1 + 1')).toBe(2);
  });

  test.each<[name: string, source: string]>([
    ['memory bomb of objects', '(() => { const a = []; for (;;) a.push({ a: [1, 2, 3, 4] }); })()'],
    ['endless getter of what is thrown', '(() => { throw { get message() { while (true); } } })()'],
    ['memory bomb of arrays', 'new Array(1e9).fill(0).length'],
    ['eval of a deep source', 'eval("(".repeat(1e5))'],
    ['long ropes of strings', '(() => { const a = []; for (;;) a.push("x".repeat(1e6) + a.length); })()'],
    ['deeply nested result', '(() => { let o = {}; for (let i = 0; i < 1e5; i++) o = { o }; return o; })()'],
    [
      'proxy without end',
      '(() => { const p = new Proxy({}, { get: () => p, ownKeys: () => ["a"], getOwnPropertyDescriptor: () => ({ value: p, enumerable: true, configurable: true }) }); return p; })()',
    ],
    ['huge BigInt', '2n ** (2n ** 30n)'],
    ['string too long', '(() => { let s = "x"; for (;;) s += s; })()'],
  ])('%s', async (_, source) => {
    expect(await reason(source)).not.toMatch(/^ok/);
    expect(await value('1 + 1')).toBe(2);
  });

  test('more to read than fits into the memory', async () => {
    const globals = { input: JSON.stringify('x'.repeat(20 * 1024 * 1024)) };
    expect(await reason('input.length', { globals })).toBe('memory');
    expect(await reason('input.length', { globals: { input: JSON.stringify('x'.repeat(5_000_000)) } })).toBe(
      'ok 5000000',
    );
  });

  test('one that hangs its thread takes no other evaluation with it', async () => {
    const hang = task('Array.prototype.indexOf.call({ length: 2 ** 53 - 1 }, 1)');
    const tasks = Array.from({ length: 20 }, (_, index) => (index === 7 ? hang : task(`${index} + 1`)));
    const outcomes = await sandbox.run(tasks);
    expect(outcomes.map((outcome) => (outcome.ok ? Number(outcome.json) : outcome.reason))).toEqual(
      tasks.map((_, index) => (index === 7 ? 'time' : index + 1)),
    );
  });
});

describe('isolation', () => {
  test.each([
    'process',
    'require',
    'globalThis.process',
    'fetch',
    'setTimeout',
    'setInterval',
    'WebAssembly',
    'performance',
    'std',
    'os',
    'navigator',
  ])('there is no %s', async (name) => {
    expect(await value(`(() => { try { return typeof ${name} } catch { return 'undefined' } })()`)).toBe('undefined');
  });

  test('the constructor of a function makes functions of the sandbox only', async () => {
    expect(await value('(() => {}).constructor("return typeof process")()')).toBe('undefined');
  });

  test('imports find no module', async () => {
    expect(await reason('const os = await import("node:os"); return os', { kind: 'program' })).toBe('error');
  });

  test('nothing done to prototypes and globals is seen by the next evaluation', async () => {
    const pollute = `(() => {
      Object.prototype.polluted = 1;
      Array.prototype.map = () => 'stolen';
      JSON.stringify = () => '"stolen"';
      Object.defineProperty(globalThis, 'left', { value: 1 });
      return Symbol.for('left').description;
    })()`;
    expect(await value(pollute)).toBe('left');
    const seen = '[typeof ({}).polluted, [1].map((x) => x), JSON.stringify([1]), typeof left]';
    expect(await Promise.all(Array.from({ length: 8 }, () => value(seen)))).toEqual(
      Array.from({ length: 8 }, () => ['undefined', [1], '[1]', 'undefined']),
    );
  });
});

test('after stop, evaluations are refused', async () => {
  const stopped = new QuickJsSandbox();
  const pending = stopped.run([task('1')]);
  await stopped.stop();
  expect(await pending).toMatchObject([{ ok: false, reason: 'unavailable' }]);
  expect(await stopped.run([task('1')])).toMatchObject([{ ok: false, reason: 'unavailable' }]);
});
