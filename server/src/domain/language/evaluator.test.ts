import { afterAll, describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { maxJsonLength } from '../../../test/max-json-length.ts';
import { QuickJsSandbox } from '../../platform/sandbox/quickjs-sandbox.ts';
import type { Json } from '../domain-error.ts';
import { NodeFailure, type Scope } from '../nodes/node-type.ts';
import { Evaluator, stepsNamedIn } from './evaluator.ts';
import { Sandbox, type SandboxOutcome, type SandboxRunOptions, type SandboxTask } from './sandbox.ts';

/** Counts what reaches the sandbox: plain paths must not. */
class CountingSandbox extends QuickJsSandbox {
  readonly tasks: SandboxTask[] = [];
  override run(tasks: readonly SandboxTask[], options?: SandboxRunOptions): Promise<SandboxOutcome[]> {
    this.tasks.push(...tasks);
    return super.run(tasks, options);
  }
}

const sandbox = new CountingSandbox();
const evaluator = new Evaluator(sandbox);
afterAll(() => sandbox.stop());

const scope: Scope = {
  input: { qty: 3, name: 'Ada', items: [{ id: 1 }, { id: 2 }], none: null, 'with-dash': true, text: 'héllo' },
  steps: {
    fetch: { status: 'completed', output: { status: 200, body: { total: 7 } } },
    big: { status: 'completed', output: 'x'.repeat(100) },
  },
  variables: { rate: 1.5 },
  trigger: { type: 'api' },
  execution: { id: 'exec_1', workflow_id: 'wf_1', started_at: '2026-01-02T03:04:05.000Z' },
};

const turn = { organisationId: 'org_1' };

const evaluate = (template: Json): Promise<Json> => evaluator.evaluate(template, scope, turn);

const failure = async (template: Json): Promise<NodeFailure> => {
  const thrown = await evaluate(template).catch((error: unknown) => error);
  expect(thrown).toBeInstanceOf(NodeFailure);
  return thrown as NodeFailure;
};

test.each<[template: Json, want: Json]>([
  ['plain', 'plain'],
  ['', ''],
  ['{{ input.qty }}', 3],
  ['{{input.items[1].id}}', 2],
  ['{{ input["with-dash"] }}', true],
  ['{{ input.items.length }}', 2],
  ['{{ input.missing }}', null],
  ['{{ input.none }}', null],
  ['{{ input.none?.deep.deeper }}', null],
  ['{{ input }}', scope.input],
  ['{{ input.qty * 2 }}', 6],
  ['{{ input.items.map((item) => item.id) }}', [1, 2]],
  ['{{ {a: {b: 1}} }}', { a: { b: 1 } }],
  ['{{ {a:{b:1}}}}', { a: { b: 1 } }],
  ['{{ "}}" + 1 }}', '}}1'],
  ['{{ /[{}]/.test("{") }}', true],
  ['{{ `${input.name}!` }}', 'Ada!'],
  ['{{ `}} ${`{${{ a: input.qty }.a}`} }}` }}', '}} {3 }}'],
  ['{{ "}}" /* }} */ + "\\"}}" }}', '}}"}}'],
  ['{{ 1 // }}\n }}', 1],
  ['{{ /["}]/.test("}}") }} {{ /`/.test("`") }}', 'true true'],
  ['{{ ({}) }}{{ [{}].length }}', '{}1'],
  ['Hello {{ input.name }}, {{ input.qty + 1 }} left', 'Hello Ada, 4 left'],
  ['{{ input.name }}{{ input.qty }}', 'Ada3'],
  ['a{{ input.none }}b{{ input.missing }}c', 'abc'],
  ['{{ input.items }} and {{ true }}', '[{"id":1},{"id":2}] and true'],
  ['\\{{ not one }}', '{{ not one }}'],
  ['a } b }} c', 'a } b }} c'],
  [
    { a: ['{{ input.qty }}', { b: '{{ steps.fetch.output.body.total + variables.rate }}' }], c: 1, d: null },
    { a: [3, { b: 8.5 }], c: 1, d: null },
  ],
  ['{{ new Date().toISOString() }}', '2026-01-02T03:04:05.000Z'],
  ['{{ undefined }}', null],
])('%j is %j', async (template, want) => {
  expect(await evaluate(template)).toEqual(want);
});

test('plain paths are read in process', async () => {
  const before = sandbox.tasks.length;
  await evaluate(['{{ input.items[0].id }}', '{{ steps.fetch.output?.body["total"] }}', 'x {{ execution.id }}']);
  expect(sandbox.tasks.length).toBe(before);
});

test('only the steps that an expression names go to the sandbox', async () => {
  await evaluate('{{ steps.fetch.output.status + 0 }}');
  const globals = await sandbox.tasks.at(-1)!.globals();
  expect(Object.keys(globals)).toEqual(['steps']);
  expect(JSON.parse(globals.steps!)).toEqual({ fetch: scope.steps.fetch });
});

test('what is large is written for the sandbox in pieces', async () => {
  const rows = Array.from({ length: 10_000 }, (_, id) => ({ id, name: `Person ${id}`, tags: ['a', '\u0000'] }));
  const large: Scope = { ...scope, input: { rows }, steps: { get: { output: rows, status: 'completed' } } };
  const text = JSON.stringify(rows);
  let results: Json[] = [];
  const length = await maxJsonLength(async () => {
    results = [
      await evaluator.evaluate('{{ input.rows.length + 0 }}', large, turn),
      await evaluator.evaluate('{{ steps.get.output.at(-1).tags }}', large, turn),
      await evaluator.evaluate('{{ Object.keys(steps) }}', large, turn),
      (await evaluator.program('return [input.rows[3], steps.get.output.length]', large, turn)).value,
      (await evaluator.schemaFaults({ type: 'array', maxItems: 3 }, rows, turn)).length,
    ];
  });
  expect(results).toEqual([10_000, ['a', '\0'], ['get'], [rows[3], 10_000], 1]);
  expect(length).toBeLessThan(text.length / 2);
});

test.each<[source: string, want: string[] | 'all']>([
  ['steps.a.output + steps.b.output + steps.a.status', ['a', 'b']],
  ['steps?.a', ['a']],
  ['steps["a"]', 'all'],
  ['Object.keys(steps)', 'all'],
  ['input.steps + mysteps', 'all'],
  ['input.x', []],
])('steps named in %s: %j', (source, want) => {
  expect(stepsNamedIn(source)).toEqual(want);
});

test.each([
  '{{ input.__proto__ }}',
  '{{ input.constructor }}',
  '{{ input.name.constructor }}',
  '{{ input.items.map }}',
  '{{ steps.toString }}',
])('%s reads nothing inherited', async (template) => {
  expect(await evaluate(template)).toBeNull();
});

test('a key named __proto__ stays a key', async () => {
  const template = JSON.parse('{"__proto__": "{{ input.qty }}"}') as Json;
  expect(JSON.stringify(await evaluate(template))).toBe('{"__proto__":3}');
});

test.each<[template: Json, message: string]>([
  ['{{ input.none.x }}', 'cannot read "x" of input.none, which is null'],
  ['{{ input.missing.x }}', 'cannot read "x" of input.missing, which is not there'],
  ['{{ nowhere.x }}', 'is not defined'],
  ['{{ input. }}', 'does not parse'],
  ['{{ input.qty', '}} is missing'],
  ['{{ }}', 'it is empty'],
  ['{{ 1; 2 }}', 'does not parse'],
  ['{{ 1); (2 }}', 'does not parse'],
  ['{{ (() => { throw new Error("no luck") })() }}', 'no luck'],
  ['{{ (() => { for (;;); })() }}', 'ran out of time'],
  [{ a: [{ b: '{{ null.x }}' }] }, 'null'],
])('%j fails: %s', async (template, message) => {
  const error = await failure(template);
  expect(error.code).toBe('expression_error');
  expect(error.message).toContain(message);
});

test('random numbers are the same at replay, and differ between expressions', async () => {
  const template = ['{{ Math.random() }}', '{{ 0 + Math.random() }}'];
  const options = { ...turn, seed: 'exec_1:n:1' };
  const [first, second] = (await evaluator.evaluate(template, scope, options)) as [number, number];
  expect(first).not.toBe(second);
  expect(await evaluator.evaluate(template, scope, options)).toEqual([first, second]);
  expect(await evaluator.evaluate(template, scope, { ...turn, seed: 'exec_1:n:2' })).not.toEqual([first, second]);
});

test('locals add names, raw params stay', async () => {
  const template = { source: 'return `{{ item }}`', args: '{{ item + 1 }}' };
  expect(await evaluator.evaluate(template, scope, { ...turn, locals: { item: 1 }, raw: ['source'] })).toEqual({
    source: 'return `{{ item }}`',
    args: 2,
  });
});

test.each<[when: string, want: boolean]>([
  ['input.qty > 2', true],
  ['{{ input.qty > 3 }}', false],
  ['input.missing', false],
  ['"{{ text }}" !== ""', true],
  ['input.items', true],
])('when %s is %s', async (when, want) => {
  expect(await evaluator.isTrue(when, scope, turn)).toBe(want);
});

describe('programs', () => {
  test('see the scope and the locals, and log', async () => {
    const source = 'console.log(args); return { sum: input.qty + args + steps.fetch.output.body.total };';
    expect(await evaluator.program(source, scope, { ...turn, locals: { args: 1 } })).toEqual({
      value: { sum: 11 },
      logs: [{ level: 'info', message: '1' }],
    });
  });

  test.each(['return (', 'throw new Error("x")', '}); (() => {'])('%s fails as code_error', async (source) => {
    await expect(evaluator.program(source, scope, turn)).rejects.toMatchObject({ code: 'code_error' });
  });
});

test('a result that nests too deep is refused before anything tries to store it', async () => {
  const nested = (levels: number) => `JSON.parse("[".repeat(${levels}) + "]".repeat(${levels}))`;
  expect(await evaluator.expression(nested(128), scope, turn)).toHaveLength(1);
  const refused = { details: { reason: 'output' } };
  await expect(evaluator.expression(nested(129), scope, turn)).rejects.toMatchObject(refused);
  await expect(evaluator.program(`return ${nested(3_000)}`, scope, turn)).rejects.toMatchObject(refused);
});

describe('schemas that users wrote', () => {
  const faults = async (schema: Record<string, Json>, value: Json): Promise<string[]> =>
    (await evaluator.schemaFaults(schema, value, turn)).map(({ keys, message }) => `${keys.join('.')} ${message}`);

  test.each<[schema: Record<string, Json>, value: Json, want: string[]]>([
    [{ type: 'object' }, {}, []],
    [
      { required: ['a'], properties: { b: { type: 'array', items: { type: 'integer' } } } },
      { b: [1, 'x'] },
      ['a is missing', 'b.1 must be integer'],
    ],
    [
      { $id: 'https://a.test/s', $defs: { x: { const: 1 } }, $ref: '#/$defs/x' },
      2,
      [' has a value that is not allowed'],
    ],
    [{ $id: 'https://a.test/s', type: 'null' }, 2, [' must be null']],
    [{ format: 'email' }, 'x', [' is not in the format email']],
    [{ format: 'of our own' }, 'x', []],
  ])('%j on %j: %j', async (schema, value, want) => {
    expect(await faults(schema, value)).toEqual(want);
  });

  test('patterns and lists that took for ever are checked like all others', async () => {
    const mismatch = [' must match pattern "^(a+)+$"'];
    expect(await faults({ pattern: '^(a+)+$' }, `${'a'.repeat(10_000)}b`)).toEqual(mismatch);
    const list = (index: number): Json => ({ index, list: [index, { b: 1, a: 2 }] });
    const items = Array.from({ length: 5_000 }, (_, index) => list(index));
    expect(await faults({ uniqueItems: true }, items)).toEqual([]);
    const again = { list: [3, { a: 2, b: 1 }], index: 3 };
    expect(await faults({ uniqueItems: true }, [...items, again])).toEqual([
      ' must NOT have duplicate items (items ## 3 and 5000 are identical)',
    ]);
  });

  test('a pattern that was stored before such were refused runs as it did, and ends', async () => {
    expect(await faults({ pattern: String.raw`^(a+)\1$` }, 'aaaa')).toEqual([]);
    const late = [' cannot be checked: the schema ran out of time'];
    expect(await faults({ pattern: String.raw`^(a+)+\1$` }, `${'a'.repeat(40)}b`)).toEqual(late);
    expect(await faults({ type: 'string' }, 'x')).toEqual([]);
  });

  test('a choice of choices of choices ends, and the next check is served', async () => {
    const level = (index: number): Json => ({ anyOf: [0, 1].map(() => ({ $ref: `#/$defs/d${index + 1}` })) });
    const $defs = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`d${index}`, level(index)]));
    expect(await faults({ $defs: { ...$defs, d50: { type: 'null' } }, $ref: '#/$defs/d0' }, 1)).toEqual([
      ' cannot be checked: the schema ran out of time',
    ]);
    expect(await faults({ type: 'string' }, 'x')).toEqual([]);
  });

  test('a check for which no turn comes in time is refused for now, and says when to ask again', async () => {
    class BusySandbox extends Sandbox {
      override run(tasks: readonly SandboxTask[]): Promise<SandboxOutcome[]> {
        return Promise.resolve(tasks.map(() => ({ ok: false, reason: 'busy', message: 'no turn came in time' })));
      }
    }
    const busy = new Evaluator(new BusySandbox()).schemaFaults({ type: 'object' }, {}, { ...turn, maxWaitMs: 1 });
    await expect(busy).rejects.toMatchObject({ code: 'service_unavailable', details: { retry_after: 5 } });
  });

  test('a schema that AJV would answer with a promise', async () => {
    expect(await faults({ $async: true, type: 'object', required: ['a'] }, {})).toEqual([
      expect.stringContaining('cannot be checked'),
    ]);
  });

  test('a reference that leads nowhere', async () => {
    expect(await faults({ $ref: 'https://elsewhere.test/schema' }, 1)).toEqual([
      expect.stringContaining('cannot be checked'),
    ]);
  });
});

test('any JSON without braces is its own value', async () => {
  const value = fc.jsonValue().filter((json) => !JSON.stringify(json).includes('{{'));
  await fc.assert(
    fc.asyncProperty(value, async (json) => {
      const plain = JSON.parse(JSON.stringify(json)) as Json;
      expect(await evaluate(plain)).toEqual(plain);
    }),
  );
});

test('a plain path gives what JavaScript gives', async () => {
  const keys = fc.constantFrom('a', 'b', 'length', '0', '1');
  const value = fc.letrec((tie) => ({
    node: fc.oneof(
      { maxDepth: 3 },
      fc.constantFrom<Json>(null, 1, 'text', true),
      fc.array(tie('node'), { maxLength: 2 }),
      fc.dictionary(fc.constantFrom('a', 'b'), tie('node')),
    ),
  })).node as fc.Arbitrary<Json>;
  const path = fc.array(fc.tuple(keys, fc.boolean()), { minLength: 1, maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(value, path, async (input, accesses) => {
      const source = `input${accesses.map(([key, optional]) => (/\d/.test(key) ? `${optional ? '?.' : ''}[${key}]` : `${optional ? '?.' : '.'}${key}`)).join('')}`;
      const run = (text: string): Promise<unknown> =>
        evaluator.evaluate(text, { ...scope, input }, turn).catch((error: NodeFailure) => error.code);
      expect(await run(`{{ ${source} }}`)).toEqual(await run(`{{ (0, ${source}) }}`));
    }),
    { numRuns: 200 },
  );
});

describe('what a sandbox hands out is not trusted', () => {
  class Forging extends Sandbox {
    constructor(readonly outcome: SandboxOutcome) {
      super();
    }
    override run(tasks: readonly SandboxTask[]): Promise<SandboxOutcome[]> {
      return Promise.resolve(tasks.map(() => this.outcome));
    }
  }
  const line = { level: 'info', message: 'm' } as const;

  test.each<[name: string, outcome: object]>([
    ['an unknown level', { json: '1', logs: [{ ...line, level: 'evil' }] }],
    ['a line that is too long', { json: '1', logs: [{ ...line, message: 'x'.repeat(4_001) }] }],
    ['a message that is no text', { json: '1', logs: [{ ...line, message: {} }] }],
    ['too many lines', { json: '1', logs: Array.from({ length: 201 }, () => line) }],
    ['no list of lines', { json: '1', logs: { length: 0 } }],
    ['a result that is no JSON', { json: '[1', logs: [] }],
  ])('%s fails the node', async (_name, outcome) => {
    const forging = new Evaluator(new Forging({ ok: true, ...outcome } as SandboxOutcome));
    const thrown = await forging.program('return 1', scope, turn).catch((error: unknown) => error);
    expect(thrown).toBeInstanceOf(NodeFailure);
    expect(thrown).toMatchObject({ code: 'code_error', details: { reason: 'output' } });
  });
});

test('a large value that is put into a text is written in pieces, and so is a large result read', async () => {
  const rows = Array.from({ length: 40_000 }, (_, id) => ({ id, name: '\ud83d' }));
  const text = JSON.stringify(rows);
  const wide: Scope = { ...scope, input: { rows } };
  let filled: unknown;
  const longest = await maxJsonLength(async () => {
    filled = await evaluator.evaluate('{{ input.rows }} and {{ input.rows }}', wide, turn);
  });
  expect(longest).toBeLessThan(text.length / 2);
  expect(filled).toBe(`${text} and ${text}`);

  const source = 'return Array.from({ length: 90000 }, (_, id) => ({ id, s: "\\ud83d" }))';
  let value: unknown;
  const longestRead = await maxJsonLength(async () => {
    ({ value } = await evaluator.program(source, scope, turn));
  });
  expect(longestRead).toBeLessThan(200_000);
  expect(value).toHaveLength(90_000);
  expect((value as unknown[])[89_999]).toEqual({ id: 89_999, s: '\ud83d' });
});
