import { expect, test } from '@jest/globals';
import { useContractHarness } from '../harness/contract-harness.ts';
import { draftWorkflow } from '../harness/resources.ts';

const harness = useContractHarness();

interface FieldError {
  readonly field: string;
  readonly message: string;
}

async function problems(operation: string, json: object, path: Record<string, string> = {}): Promise<string[]> {
  const { body } = await harness().refused(operation, { path, json }, 400, 'validation_error');
  return (body.error.details.errors as FieldError[]).map(({ field, message }) => `${field} ${message}`);
}

const TYPES = '"api_key", "bearer", "basic", "oauth2", "smtp", "custom"';
const KINDS = '"manual", "schedule", "webhook", "form", "event"';
const AUTH = '"none", "api_key", "bearer", "hmac"';

test.each<[string, object, readonly string[]]>([
  ['one typo is one problem', { type: 'smtp', host: 'mail.example', user: 'us' }, ['values.user is not a known field']],
  [
    'what is missing of its type',
    { type: 'smtp', port: '25' },
    ['values.host is required', 'values.port must be an integer'],
  ],
  ['no type', { host: 'mail.example' }, [`values.type is required and must be one of ${TYPES}`]],
  ['an unknown type', { type: 'carrier_pigeon', host: 1 }, [`values.type must be one of ${TYPES}`]],
  ['a type that is no text', { type: ['smtp'] }, [`values.type must be one of ${TYPES}`]],
  ['a header without a name', { type: 'custom', headers: {} }, ['values.headers must have at least 1 field']],
])('400: a wrong credential, %s', async (_, values, want) => {
  expect(await problems('createCredential', { name: 'Wrong', values })).toEqual(want);
});

test.each<[string, object, readonly string[]]>([
  ['no kind', { cron: '* * * * *' }, [`config.kind is required and must be one of ${KINDS}`]],
  ['an unknown kind', { kind: 'mail' }, [`config.kind must be one of ${KINDS}`]],
  ['a field of another kind', { kind: 'manual', cron: '* * * * *' }, ['config.cron is not a known field']],
  ['a hook without auth', { kind: 'webhook' }, ['config.auth is required']],
  ['a hook of an unknown auth', { kind: 'webhook', auth: { type: 'x' } }, [`config.auth.type must be one of ${AUTH}`]],
  [
    'a hook with a wrong signature',
    { kind: 'webhook', auth: { type: 'hmac', format: 'md5', secret: 'x' } },
    [
      'config.auth.secret is not a known field',
      'config.auth.format must be one of "standard_webhooks", "timestamped", "body"',
    ],
  ],
])('400: a wrong trigger, %s', async (_, config, want) => {
  const workflow_id = await draftWorkflow(harness());
  expect(await problems('createTrigger', { workflow_id, name: 'Wrong', config })).toEqual(want);
});

test('400: a wrong channel', async () => {
  const json = { name: 'Wrong', kind: 'smoke', auth: { type: 'bearer', token: 'x' } };
  expect(await problems('createChannel', json)).toEqual([
    'auth is not a known field',
    'kind must be one of "http", "mcp"',
  ]);
});

test('400: a wrong node', async () => {
  const path = { workflow_id: await draftWorkflow(harness()) };
  const node = { id: 'wrong', type: 'log', params: {} };
  expect(await problems('addWorkflowNode', { ...node, join: 0 }, path)).toEqual(['join must be at least 1']);
  expect(await problems('addWorkflowNode', { ...node, join: 'some', retries: 1 }, path)).toEqual([
    'retries is not a known field',
    'join must be one of "all", "any"',
  ]);
});
