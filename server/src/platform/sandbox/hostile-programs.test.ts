import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  maxLogLines,
  maxLogMessage,
  sandboxLogLevels,
  type SandboxOutcome,
  type SandboxTask,
} from '../../domain/language/sandbox.ts';
import { sandboxLimits } from './limits.ts';
import { QuickJsSandbox } from './quickjs-sandbox.ts';

const sandbox = new QuickJsSandbox();
beforeAll(() => run('program', ''));
afterAll(() => sandbox.stop());

async function run(kind: SandboxTask['kind'], source: string): Promise<SandboxOutcome> {
  const [outcome] = await sandbox.run([
    { organisationId: 'org_1', kind, source, globals: () => ({}), seed: 's', now: 0 },
  ]);
  return outcome!;
}

/** Whatever a program does, this holds of what comes out; the recorder stores nothing else. */
function assertSound(kind: SandboxTask['kind'], outcome: SandboxOutcome): void {
  if (!outcome.ok) {
    expect(outcome.message.length).toBeLessThanOrEqual(1_000);
    expect(outcome.message).toBe(outcome.message.replaceAll('\0', '').toWellFormed());
    return;
  }
  const { json, logs } = outcome;
  if (json !== undefined) {
    expect(() => void JSON.parse(json)).not.toThrow();
    expect(json.length).toBeLessThanOrEqual(sandboxLimits[kind].output);
  }
  expect(logs.length).toBeLessThanOrEqual(maxLogLines);
  for (const line of logs) {
    expect(Object.keys(line)).toEqual(['level', 'message']);
    expect(sandboxLogLevels).toContain(line.level);
    expect(line.message.length).toBeLessThanOrEqual(maxLogMessage);
    expect(line.message).toBe(line.message.replaceAll('\0', '').toWellFormed());
  }
}

type Want = { value?: unknown; logs?: [level: string, message: string][]; reason?: string; message?: string };

async function expectOf(kind: SandboxTask['kind'], source: string, want: Want): Promise<void> {
  const outcome = await run(kind, source);
  assertSound(kind, outcome);
  const found: Want = outcome.ok
    ? { value: outcome.json === undefined ? undefined : (JSON.parse(outcome.json) as unknown) }
    : { reason: outcome.reason, message: outcome.message };
  if (outcome.ok) found.logs = outcome.logs.map(({ level, message }) => [level, message]);
  expect(found).toMatchObject(want);
  // The thread goes on, and nothing of it is left.
  expect(await run('program', 'console.log("next"); return [1].map(String)')).toEqual({
    ok: true,
    json: '["1"]',
    logs: [{ level: 'info', message: 'next' }],
  });
}

const x4000 = 'x'.repeat(4_000);

describe('log lines are what was logged, whatever was done to prototypes before', () => {
  test.each<[name: string, source: string, logs: [string, string][]]>([
    [
      'Array.prototype.toJSON',
      'Array.prototype.toJSON = () => [{ level: "evil", message: "forged" }]; console.log("a")',
      [['info', 'a']],
    ],
    [
      'Array.prototype.toJSON, 24 MB',
      'Array.prototype.toJSON = () => "x".repeat(24e6); console.log("a")',
      [['info', 'a']],
    ],
    [
      'Object.prototype.toJSON',
      'Object.prototype.toJSON = () => ({ level: "evil" }); console.log("a")',
      [['info', 'a']],
    ],
    ['String.prototype.toJSON', 'String.prototype.toJSON = () => "b"; console.log("a")', [['info', 'a']]],
    [
      'String.prototype.slice',
      'String.prototype.slice = () => "y".repeat(1e6); console.log("x".repeat(1e5))',
      [['info', x4000]],
    ],
    [
      'String.prototype.slice that answers with an object',
      'String.prototype.slice = () => ({}); console.log("x".repeat(1e5))',
      [['info', x4000]],
    ],
    [
      'a setter of level on Object.prototype',
      'Object.defineProperty(Object.prototype, "level", { set() { Object.defineProperty(this, "level", { value: "evil", enumerable: true }) } }); console.log("a")',
      [['info', 'a']],
    ],
    [
      'a getter of message on Object.prototype',
      'Object.defineProperty(Object.prototype, "message", { get: () => "forged", set() {} }); console.warn("a")',
      [['warn', 'a']],
    ],
    ['Array.prototype.join', 'Array.prototype.join = () => "forged"; console.log("a", "b")', [['info', 'a b']]],
    ['Array.prototype.map', 'Array.prototype.map = () => ["forged"]; console.log("a", "b")', [['info', 'a b']]],
    ['Array.prototype.push', 'Array.prototype.push = () => 0; console.log("a")', [['info', 'a']]],
    [
      'Array.prototype[Symbol.iterator]',
      'Array.prototype[Symbol.iterator] = function* () { yield "forged" }; console.log("a")',
      [['info', 'a']],
    ],
    [
      'a setter of 0 on Array.prototype',
      'Object.defineProperty(Array.prototype, "0", { set() {}, get: () => "forged" }); console.log("a")',
      [['info', 'a']],
    ],
    [
      'JSON.stringify',
      'JSON.stringify = () => \'[{"level":"evil","message":"forged"}]\'; console.log({ a: 1 })',
      [['info', '{"a":1}']],
    ],
    ['JSON', 'globalThis.JSON = null; console.log({ a: 1 })', [['info', '{"a":1}']]],
    [
      'String',
      'globalThis.String = () => "forged"; console.log(undefined, Symbol("s"))',
      [['info', 'undefined Symbol(s)']],
    ],
    [
      'Function.prototype.call and apply',
      'Function.prototype.call = Function.prototype.apply = Function.prototype.bind = () => "forged"; console.log("a")',
      [['info', 'a']],
    ],
    [
      'Symbol.toPrimitive of a function',
      'const f = () => 1; f[Symbol.toPrimitive] = () => "f"; console.log(f)',
      [['info', 'f']],
    ],
    ['functions of console put elsewhere', 'console.log = 1; console.error("a")', [['error', 'a']]],
    ['a function of console with another this', 'console.warn.call({ level: "evil" }, "a")', [['warn', 'a']]],
    [
      'a function of console as a constructor',
      'try { new console.log("a") } catch {} console.info("b")',
      [['info', 'b']],
    ],
    ['a NUL and half of a pair', 'console.log("a\\0b\\ud800c")', [['info', 'a\ufffdb\ufffdc']]],
    [
      'a line that ends in half of a pair',
      'console.log("x".repeat(3999) + "😀")',
      [['info', `${'x'.repeat(3_999)}\ufffd`]],
    ],
    [
      'a toJSON that throws',
      'try { console.log({ toJSON() { throw 1 } }) } catch (e) { console.log(e) }',
      [['info', '1']],
    ],
    [
      'a toJSON that logs',
      'console.log({ toJSON() { console.log("inner"); return "outer" } })',
      [
        ['info', 'inner'],
        ['info', '"outer"'],
      ],
    ],
    [
      'a proxy',
      'console.log(new Proxy({}, { ownKeys: () => ["level"], get: () => "evil", getOwnPropertyDescriptor: () => ({ value: 1, enumerable: true, configurable: true }) }))',
      [['info', '{"level":"evil"}']],
    ],
  ])('%s', (_name, source, logs) => expectOf('program', source, { logs }));
});

describe('log lines are bounded', () => {
  test.each<[name: string, source: string]>([
    ['10,000 lines', 'for (let i = 0; i < 1e4; i++) console.log("x")'],
    ['lines of 1 MB', 'for (let i = 0; i < 300; i++) console.log("x".repeat(1e6))'],
    ['60,000 values in a line', 'console.log.apply(null, new Array(60000).fill(""))'],
    [
      '10,000 lines that throw',
      'for (let i = 0; i < 1e4; i++) try { console.log({ toJSON() { throw {} } }) } catch {}',
    ],
    [
      'lines that log themselves',
      'let n = 0; const o = { toJSON() { if (n++ < 1e4) console.log(o, o); return 1 } }; console.log(o)',
    ],
    [
      'two endless lines in each other',
      'const o = { toJSON() { console.log(o) } }; try { console.log(o) } catch (e) { return String(e) }',
    ],
    ['a huge object', 'const o = {}; for (let i = 0; i < 1e5; i++) o[i] = "xxxxxxxx"; console.log(o)'],
    ['a cyclic object', 'const o = {}; o.o = o; try { console.log(o) } catch (e) { return e.message }'],
  ])('%s', (_name, source) => expectOf('program', source, {}));
});

describe('results are read as QuickJS wrote them', () => {
  test.each<[name: string, source: string, want: Want]>([
    ['JSON.stringify', 'JSON.stringify = () => "not JSON"; return [1]', { value: [1] }],
    [
      'JSON.stringify with a getter of length',
      'JSON.stringify = () => ({ get length() { return 1 } }); return 1',
      { value: 1 },
    ],
    ['toJSON on Object.prototype', 'Object.prototype.toJSON = () => "forged"; return { a: 1 }', { value: 'forged' }],
    ['a toJSON of 30 MB', 'return { toJSON: () => "x".repeat(3e7) }', { reason: 'output' }],
    [
      'a length of strings that lies',
      'Object.defineProperty(String.prototype, "length", { get: () => 1 }); return "x".repeat(5e6)',
      { reason: 'output' },
    ],
    ['a text that no memory is left for', 'globalThis.a = "x".repeat(15e6); return "\\u20ac".repeat(4e6)', {}],
    ['Promise.prototype.then', 'Promise.prototype.then = () => "forged"; return 1', { value: 1 }],
    ['keys that are no property names elsewhere', 'return JSON.parse(\'{"__proto__":{"a":1},"constructor":2}\')', {}],
  ])('%s', (_name, source, want) => expectOf('program', source, want));

  test('thenables without end run out of time', async () => {
    const programs = [
      'return { then(done) { done(this) } }',
      'const t = {}; t.then = Promise.resolve.bind(Promise, t); return t',
    ];
    const outcomes = await Promise.all(programs.map((source) => run('program', source)));
    expect(outcomes).toMatchObject([{ reason: 'time' }, { reason: 'time' }]);
  });

  test.each<[name: string, source: string]>([
    ['a getter', '({ get a() { for (;;); } })'],
    ['a toJSON', '({ toJSON() { for (;;); } })'],
    ['a proxy', 'new Proxy([], { get: (_, key) => (key === "length" ? 2 ** 53 : 1) })'],
  ])('%s without end is held to the time of the program', (_name, source) =>
    expectOf('expression', source, { reason: 'time', message: 'it used more than 100 ms' }),
  );

  test('of expressions, too', () =>
    expectOf('expression', '(() => { JSON.stringify = () => "forged"; Object.prototype.length = 0; return [1]; })()', {
      value: [1],
    }));
});

describe('what is thrown is told in bounded, plain text', () => {
  test.each<[name: string, source: string, want: Want]>([
    ['a getter that throws', 'throw { get message() { throw 1 } }', { reason: 'error' }],
    ['a message of 10 MB', 'throw new Error("x".repeat(1e7))', { reason: 'error', message: 'x'.repeat(1_000) }],
    [
      'a name of 10 MB',
      'const e = new Error("m"); e.name = "x".repeat(1e7); throw e',
      { message: `${'x'.repeat(100)}: m` },
    ],
    ['a message that is no text', 'throw { message: { a: 1 } }', { message: '{"message":{"a":1}}' }],
    ['a huge object', 'const o = []; for (let i = 0; i < 1e6; i++) o.push(i); throw o', { reason: 'error' }],
    ['a cyclic object', 'const o = {}; o.o = o; throw o', { message: 'it threw something that cannot be described' }],
    [
      'a proxy',
      'throw new Proxy({}, { get() { throw 1 } })',
      { message: 'it threw something that cannot be described' },
    ],
    [
      'a revoked proxy',
      'const { proxy, revoke } = Proxy.revocable({}, {}); revoke(); throw proxy',
      { reason: 'error' },
    ],
    ['a promise', 'throw Promise.reject(1)', { reason: 'error', message: '{}' }],
    ['undefined', 'throw undefined', { message: 'undefined' }],
    ['null', 'throw null', { message: 'null' }],
    ['a symbol', 'throw Symbol("s")', { message: 'Symbol(s)' }],
    ['a BigInt', 'throw 12n', { reason: 'error' }],
    ['a function', 'throw function f() {}', { message: 'function f() {}' }],
    ['a NUL and half of a pair', 'throw new Error("a\\0b\\ud800")', { message: 'a\ufffdb\ufffd' }],
    [
      'String.prototype.slice',
      'String.prototype.slice = () => "forged"; throw new Error("x".repeat(2000))',
      { message: 'x'.repeat(1_000) },
    ],
    [
      'a toString that throws',
      'throw { toJSON() {}, toString() { throw 1 } }',
      { message: 'it threw something that cannot be described' },
    ],
    ['the memory, full for good', 'globalThis.a = []; for (;;) a.push({ a: [1, 2, 3] })', { reason: 'memory' }],
  ])('%s', (_name, source, want) => expectOf('program', source, want));

  test.each([
    '{ get message() { for (;;); } }',
    '{ message: "m", get name() { for (;;); } }',
    '{ toJSON() { for (;;); } }',
  ])('%s is held to the time of the program', (thrown) =>
    expectOf('expression', `(() => { throw ${thrown} })()`, { reason: 'time' }),
  );
});
