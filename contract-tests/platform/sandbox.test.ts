import { expect, test } from '@jest/globals';
import { importOnce } from '../../server/test/import-once.ts';
import { until } from '../../server/test/until.ts';
import { useContractHarness } from '../harness/contract-harness.ts';
import { publishedWorkflow, QUICK } from '../harness/resources.ts';

// Attacks take the processor that everything else wants too.
const harness = useContractHarness();
const { Sandbox } = await importOnce<typeof import('../../server/src/domain/language/sandbox.ts')>(
  new URL('../../server/src/domain/language/sandbox.ts', import.meta.url),
);

const code = (source: string) => ({ id: 'attack', type: 'code', params: { source } });
const expression = (source: string) => ({ id: 'attack', type: 'transform', params: { value: `{{ ${source} }}` } });
const log = { id: 'inner', type: 'log', params: { message: 'x' } };

const attacks: Record<string, { node: object; code: string; reason?: string }> = {
  'endless loop in an expression': {
    node: expression('(() => { for (;;); })()'),
    code: 'expression_error',
    reason: 'time',
  },
  'endless loop in code': { node: code('for (;;);'), code: 'code_error', reason: 'time' },
  'endless chain of promises': { node: code('for (;;) await null;'), code: 'code_error', reason: 'time' },
  'catastrophic regular expression': {
    node: expression('/(a+)+$/.test("a".repeat(40) + "b")'),
    code: 'expression_error',
    reason: 'time',
  },
  'memory bomb': { node: code('const a = []; for (;;) a.push({ a: [1, 2, 3] });'), code: 'code_error' },
  'memory bomb of buffers': {
    node: code('return new ArrayBuffer(2 ** 30).byteLength'),
    code: 'code_error',
    reason: 'memory',
  },
  'endless recursion': {
    node: code('return (function f() { return f() + 1; })()'),
    code: 'code_error',
    reason: 'stack',
  },
  'giant output': { node: code('return "x".repeat(2 ** 25)'), code: 'code_error' },
  'endless getter in the output': {
    node: code('return { get a() { for (;;); } }'),
    code: 'code_error',
    reason: 'time',
  },
  'deep output': { node: code('let o = {}; for (let i = 0; i < 1e5; i++) o = { o }; return o;'), code: 'code_error' },
  'the way out through constructors': {
    node: code('return (async () => {}).constructor("return process")().then((p) => p.env)'),
    code: 'code_error',
  },
  modules: { node: code('return (await import("node:fs")).readFileSync("/etc/passwd", "utf8")'), code: 'code_error' },
  'a condition that always holds': {
    node: { id: 'attack', type: 'while', params: { condition: 'true', limit: 50, body: { nodes: [log] } } },
    code: 'loop_limit_reached',
  },
};

test('attacks end as failed steps, while the server keeps answering', async () => {
  const names = Object.keys(attacks);
  const started = await Promise.all(
    names.map(async (name) => {
      const path = {
        workflow_id: await publishedWorkflow(harness(), { nodes: [attacks[name]!.node], edges: [] }, name),
      };
      const { body } = await harness().call('executeWorkflow', { path, json: { input: { n: 1 } } });
      return [name, body.data.id as string] as const;
    }),
  );
  const ids = started.map(([, id]) => id);
  const look = (): Promise<{ id: string; status: string; error: object; step: string }[]> =>
    harness().server.sql(
      `select execution.id, execution.status, execution.error, step.status as step
         from execution join step on step.execution_id = execution.id and step.node_id = 'attack'
        where execution.id = any($1) and execution.status in ('completed', 'failed')`,
      [ids],
    );
  const rows = await until(
    async () => {
      await harness().call('getLiveness', {});
      const found = await look();
      return found.length === ids.length && found;
    },
    { within: 100_000, seen: look },
  );
  const ended = new Map(rows.map((row) => [row.id, row]));
  for (const [name, id] of started) {
    const { code: want, reason } = attacks[name]!;
    expect({ name, ...ended.get(id) }).toMatchObject({
      name,
      status: 'failed',
      error: { code: want, node_id: 'attack', ...(reason && { details: { reason } }) },
      step: 'failed',
    });
  }
});

test('what an attack does to prototypes is seen by no other execution', async () => {
  const run = async (source: string): Promise<{ status: string; output: unknown }> => {
    const path = { workflow_id: await publishedWorkflow(harness(), { nodes: [code(source)], edges: [] }) };
    const { body } = await harness().call('executeWorkflow', { path, json: { input: {} } });
    return until(async () => {
      const now = await harness().call('getExecution', { path: { execution_id: body.data.id } });
      return ['completed', 'failed'].includes(now.body.data.status) && now.body.data;
    });
  };
  const attack =
    'Object.prototype.polluted = 1; Array.prototype.map = () => "evil"; globalThis.JSON = null; return [1].map(String);';
  expect(await run(attack)).toMatchObject({ status: 'completed', output: { attack: 'evil' } });
  const look =
    'return [{}.polluted ?? null, [1].map(String), typeof JSON.stringify, {}["__proto__"] === Object.prototype]';
  expect(await run(look)).toMatchObject({ output: { attack: [null, ['1'], 'function', true] } });
});

test('log lines are those that a program wrote, whatever it did to prototypes', async () => {
  const attack = `
    Array.prototype.toJSON = () => [{ level: 'evil', message: 'forged' }];
    String.prototype.slice = () => 'x'.repeat(1e7);
    Object.defineProperty(Object.prototype, 'level', { get: () => 'evil', set() {} });
    console.log('first', { a: 1 });
    console.error('second');`;
  const path = { workflow_id: await publishedWorkflow(harness(), { nodes: [code(attack)], edges: [] }) };
  const { body } = await harness().call('executeWorkflow', { path, json: { input: {} } });
  const execution = { execution_id: body.data.id };
  await until(async () => {
    const now = await harness().call('getExecution', { path: execution });
    return now.body.data.status === 'completed';
  });
  const { body: logs } = await harness().call('listExecutionLogs', { path: execution });
  expect(logs.data).toMatchObject([
    { level: 'info', message: 'first {"a":1}' },
    { level: 'error', message: 'second' },
  ]);
});

test('400: inputs against a pattern on which others backtrack for ever are checked, however many and long', async () => {
  const schema = { type: 'object', properties: { n: { type: 'string', pattern: '^(a+)+$' } } };
  const path = { workflow_id: await publishedWorkflow(harness(), { ...QUICK, input_schema: schema }) };
  const json = { input: { n: `${'a'.repeat(50_000)}!` } };
  const refusals = Array.from({ length: 30 }, () =>
    harness().refused('executeWorkflow', { path, json }, 400, 'validation_error'),
  );
  for (const { body } of await Promise.all(refusals))
    expect(body.error.details.errors).toEqual([
      { field: 'input.n', message: 'must match pattern "^(a+)+$"', location: 'body' },
    ]);
});

test('400: a workflow whose schemas have patterns that cannot be bounded is not published', async () => {
  const input_schema = { properties: { word: { pattern: String.raw`(\w+) \1` } } };
  const created = await harness().call('createWorkflow', {
    json: { name: 'Twice', definition: { ...QUICK, input_schema } },
  });
  const path = { workflow_id: created.body.data.id };
  const { body } = await harness().refused('publishWorkflow', { path }, 400, 'validation_error');
  expect(body.error.details.errors).toMatchObject([{ field: 'definition.input_schema.properties.word.pattern' }]);
  expect(body.error.details.errors[0].message).toContain(String.raw`it has the back-reference \1 at character 7`);
});

test('503: a schema that gets no turn, since too much of the organisation waits already, says when to ask again', async () => {
  const input_schema = { type: 'object', properties: { n: { type: 'number' } } };
  const workflow_id = await publishedWorkflow(harness(), { ...QUICK, input_schema });
  const [{ organisation_id: organisationId }] = (await harness().server.sql<{ organisation_id: string }>(
    'select organisation_id from workflow where id = $1',
    [workflow_id],
  )) as [{ organisation_id: string }];
  // Pairs of a long list are compared with each other for as long as a check may take.
  const value = JSON.stringify(Array.from({ length: 20_000 }, (_, index) => ({ index })));
  const slow = {
    kind: 'schema',
    source: '{"uniqueItems":true}',
    globals: () => ({ value }),
    seed: '',
    now: 0,
  } as const;
  const enough = new AbortController();
  const sandbox = harness().server.app.get(Sandbox, { strict: false });
  const checks = sandbox.run(
    Array.from({ length: 1_000 }, () => ({ ...slow, organisationId })),
    { signal: enough.signal },
  );
  try {
    const json = { input: { n: 1 } };
    const call = { path: { workflow_id }, json };
    const { body, headers } = await harness().refused('executeWorkflow', call, 503, 'service_unavailable');
    expect(body.error.message).toMatch(/Try again in a few seconds/);
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
    expect(body.error.details).toMatchObject({ retry_after: Number(headers.get('retry-after')) });
  } finally {
    enough.abort();
    await checks;
  }
  const { status } = await harness().call('executeWorkflow', { path: { workflow_id }, json: { input: { n: 1 } } });
  expect(status).toBe(202);
});
