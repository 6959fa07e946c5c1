import { afterAll, expect, test } from '@jest/globals';
import { QuickJsSandbox } from '../../platform/sandbox/quickjs-sandbox.ts';
import type { Json } from '../domain-error.ts';
import { testNodeTypes } from '../nodes/testing/node-services.ts';
import { parseDefinition } from './parse-definition.ts';
import { SandboxUnavailableError } from './sandbox.errors.ts';
import { userSchemaProblems } from './user-schema-problems.ts';

const sandbox = new QuickJsSandbox();
afterAll(() => sandbox.stop());

async function problemsOf(more: Record<string, Json>, maxWaitMs = 60_000): Promise<string[]> {
  const nodes: Json = [{ id: 'a', type: 'log', params: { message: 'x' } }];
  const { definition } = parseDefinition({ nodes, ...more });
  const turn = { organisationId: 'org_1', maxWaitMs };
  const problems = await userSchemaProblems(definition!, testNodeTypes(), sandbox, turn);
  return problems.map(({ code, node = '', message, hint }) => `${code} ${node} ${message} -> ${hint}`);
}

const waiting = (schema: Json): Json => ({ id: 'paid', type: 'wait.event', params: { payload_schema: schema } });

const noLookaround =
  'Look-aheads may stand at the beginning, behind ^. Write others as schemas of their own, with "allOf" and "not".';

test.each<[more: Record<string, Json>, want: unknown[]]>([
  [{ input_schema: { properties: { code: { type: 'string', pattern: '^(?=.*[0-9])[a-z0-9]{8,}$' } } } }, []],
  [
    { input_schema: { type: 'strin' } },
    [expect.stringMatching(/^invalid_input_schema {2}input_schema is not a JSON Schema 2020-12: schema is invalid: /)],
  ],
  [
    { input_schema: { properties: { a: { pattern: String.raw`(x)\1` } }, patternProperties: { 'b(?!c)': {} } } },
    [
      'invalid_input_schema  input_schema.properties.a.pattern cannot be checked in a time that is bounded: it has the back-reference \\1 at character 4. -> Write out what may be repeated.',
      `invalid_input_schema  input_schema.patternProperties["b(?!c)"] cannot be checked in a time that is bounded: it has the look-ahead (?! at character 2. -> ${noLookaround}`,
    ],
  ],
  [
    {
      nodes: [
        { id: 'each', type: 'foreach', params: { items: [], body: { nodes: [waiting({ pattern: '(?<=a)b' })] } } },
      ],
    },
    [
      `invalid_params paid nodes[0].params.body.nodes[0].params.payload_schema.pattern cannot be checked in a time that is bounded: it has the look-behind (?<= at character 1. -> ${noLookaround}`,
    ],
  ],
  [{ nodes: [waiting({ pattern: '{{ input.pattern }}', type: 'strin' })] }, []],
  [
    { input_schema: { enum: ['x'.repeat(70_000)] } },
    ['invalid_input_schema  input_schema is longer than 65536 characters. -> Shorten the schema.'],
  ],
])('%j', async (more, want) => {
  expect(await problemsOf(more)).toEqual(want);
});

test('a schema that takes long to compile is a problem, and keeps nothing from running meanwhile', async () => {
  const patternProperties = Object.fromEntries(
    Array.from({ length: 2_400 }, (_, index) => [`^a${index}`, { type: 'null' }]),
  );
  let turns = 0;
  const turning = setInterval(() => (turns += 1), 1);
  const problems = await problemsOf({ input_schema: { patternProperties } });
  clearInterval(turning);
  expect(problems).toEqual([
    'invalid_input_schema  input_schema cannot be checked: the schema ran out of time. -> Simplify the schema.',
  ]);
  expect(turns).toBeGreaterThan(10);
});

test('schemas that take longer together than anybody waits are refused for now', async () => {
  await expect(problemsOf({ input_schema: { type: 'object' } }, 0)).rejects.toBeInstanceOf(SandboxUnavailableError);
});
