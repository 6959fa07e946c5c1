import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Client } from 'pg';
import { useContractHarness } from '../harness/contract-harness.ts';
import { EchoServer } from '../harness/echo-server.ts';
import { MailServer } from '../../server/test/mail-server.ts';
import { credential, publishedWorkflow, secret } from '../harness/resources.ts';

// What is secret reaches the server that it is for, and nobody else: it is in no response, event, log line, error or column
// of the database, though the server that it is for repeats it in every form it can think of.

const canary = (name: string): string => `canary ${name} "é&/+=?#" 9f3b1c`;
const plain = (name: string): string => `canary-${name}-5e8d2a`;

const values = {
  header: plain('header'),
  query: canary('query'),
  body: canary('body'),
  form: canary('form'),
  path: plain('path'),
  basic: plain('basic'),
  bearer: plain('bearer'),
  key: plain('key'),
  password: plain('password'),
  custom: plain('custom'),
  client: plain('client'),
  smtp: plain('smtp'),
  kv: canary('kv'),
  unused: canary('unused'),
};
const accessToken = 'canary-access-token-7r2';

const harness = useContractHarness({
  settings: { OUTGOING_ALLOWED_HOSTS: ['127.0.0.1'], LOG_LEVEL: 'trace', RATE_LIMITS: false },
});
const seen: string[] = [];
let echo: EchoServer;
let mail: MailServer;

beforeAll(async () => {
  [echo, mail] = await Promise.all([
    EchoServer.start(),
    MailServer.start({ username: 'canary-user', password: values.smtp }),
  ]);
});
afterAll(() => Promise.all([echo.stop(), mail.stop()]));

async function call(
  operation: string,
  options: Parameters<ReturnType<typeof harness>['call']>[1],
): Promise<{ data: { id: string; status: string } }> {
  const { text, headers, body } = await harness().call(operation, options);
  seen.push(text, JSON.stringify([...headers]));
  return body as { data: { id: string; status: string } };
}

const node = (id: string, type: string, params: object, more: object = {}): object => ({ id, type, params, ...more });

test('no secret is seen anywhere but where it is sent', async () => {
  const name: Record<string, string> = {};
  for (const key of ['header', 'query', 'body', 'form', 'path', 'basic', 'unused', 'custom'] as const)
    name[key] = await secret(harness(), { value: values[key] });
  const s = (key: string): string => `{{ secrets.${name[key]} }}`;
  const credentials = {
    bearer: await credential(harness(), { type: 'bearer', token: values.bearer }),
    header: await credential(harness(), { type: 'api_key', key: values.key }),
    query: await credential(harness(), { type: 'api_key', key: values.key, in: 'query', name: 'api_key' }),
    basic: await credential(harness(), { type: 'basic', username: 'user', password: values.password }),
    custom: await credential(harness(), { type: 'custom', headers: { 'X-Custom': values.custom } }),
    oauth2: await credential(harness(), {
      type: 'oauth2',
      token_url: `${echo.url}/token`,
      client_id: 'client',
      client_secret: values.client,
    }),
    smtp: await credential(harness(), {
      type: 'smtp',
      host: '127.0.0.1',
      port: mail.port,
      security: 'none',
      username: 'canary-user',
      password: values.smtp,
    }),
    wrong: await credential(harness(), {
      type: 'smtp',
      host: '127.0.0.1',
      port: mail.port,
      security: 'none',
      username: 'canary-user',
      password: values.password,
    }),
  };
  const http = (id: string, path: string, params: object, more: object = {}): object =>
    node(
      id,
      'http.request',
      { url: `${echo.url}${path}`, method: 'POST', ...params },
      { on_error: 'continue', ...more },
    );
  const letter = { from: 'a@example.com', to: 'b@example.com', subject: 'Hello' };
  const nodes = [
    http('everywhere', '/json', {
      headers: { 'X-Secret': `Key ${s('header')}` },
      query: { q: s('query'), list: [s('query')] },
      body: { deep: [{ secret: s('body') }], text: `before ${s('body')} after` },
    }),
    http('as_text', '/text', { body: `The secret is ${s('body')}.`, headers: { 'X-Secret': s('header') } }),
    http('as_binary', '/binary', { form: { field: s('form') } }),
    http('in_url', `/json/${s('path')}?q=${s('query')}`, {}),
    http('whole_basic', '/json', { auth: { type: 'basic', username: 'u', password: s('basic') } }),
    http('whole_bearer', '/json', { auth: { type: 'bearer', token: s('basic') } }),
    http(
      'failing',
      `/500/${s('path')}`,
      { body: { secret: s('body') } },
      { retry: { max_attempts: 2, initial: '1ms' } },
    ),
    http('refused', '/json', { url: `http://10.255.255.1/${s('path')}` }),
    http('broken', '/json', { url: s('query') }),
    ...(['bearer', 'header', 'query', 'basic', 'custom', 'oauth2'] as const).map((kind) =>
      http(`by_${kind}`, '/json', { auth: { credential: credentials[kind].name } }),
    ),
    http('by_no_http', '/json', { auth: { credential: credentials.smtp.name } }),
    node('told', 'webhook', {
      url: `${echo.url}/hook`,
      event: 'canary',
      data: { secret: s('body') },
      secret: s('custom'),
    }),
    node('mailed', 'email.send', { ...letter, credential: credentials.smtp.name, text: `Secret: ${s('body')}` }),
    node(
      'not_mailed',
      'email.send',
      { ...letter, credential: credentials.wrong.name, text: 'x' },
      { on_error: 'continue' },
    ),
    node('stored', 'kv.set', { key: 'canary', value: '{{ input.kv }}' }),
  ];
  const workflow_id = await publishedWorkflow(harness(), { nodes, edges: [], output: '{{ steps.everywhere.output }}' });
  // The input of an execution is there to be read; what is kept of it is not.
  const { data } = await call('executeWorkflow', {
    path: { workflow_id },
    query: { wait: '30s' },
    json: { input: { kv: 'kv input' } },
  });
  expect(data.status).toBe('completed');
  const path = { execution_id: data.id };
  await call('setKvEntry', { path: { key: 'direct' }, json: { value: { secret: 'kv input' } } });
  await harness().call('setKvEntry', { path: { key: 'canary' }, json: { value: [values.kv] } });
  for (const operation of ['getExecution', 'listExecutionSteps', 'listExecutionLogs', 'streamExecutionEvents'])
    await call(operation, { path, query: operation.startsWith('list') ? { per_page: 100 } : {} });
  for (const operation of ['listSecrets', 'listCredentials', 'listKvEntries', 'listExecutions', 'listWorkflows'])
    await call(operation, {});
  const steps = await harness().call('listExecutionSteps', { path, query: { per_page: 100 } });
  const statusOf = Object.fromEntries(
    steps.body.data.map(
      ({ node_id, error, status }: { node_id: string; error: { code: string } | null; status: string }) => [
        node_id,
        error?.code ?? status,
      ],
    ),
  );

  // Everything arrived where it was meant to arrive.
  const sent = echo.received.map((received) => JSON.stringify(received)).join('\n');
  const raw = (value: string): string => JSON.stringify(JSON.stringify(value)).slice(1, -1);
  expect(statusOf).toMatchObject({ everywhere: 'completed', failing: 'http_5xx', refused: 'http_refused_address' });
  expect(statusOf).toMatchObject({ broken: 'invalid_url', not_mailed: 'email_auth', mailed: 'completed' });
  expect(statusOf).toMatchObject({ by_no_http: 'credential_not_usable', told: 'completed', stored: 'completed' });
  expect(sent).toContain(`Key ${values.header}`);
  expect(sent).toContain(raw(values.body).slice(3, -3));
  expect(sent).toContain(`/json/${values.path}?q=${encodeURIComponent(values.query)}`);
  expect(sent).toContain(Buffer.from(`u:${values.basic}`).toString('base64'));
  expect(sent).toContain(`Bearer ${values.bearer}`);
  expect(sent).toContain(`"x-api-key":"${values.key}"`);
  expect(sent).toContain(`api_key=${values.key}`);
  expect(sent).toContain(Buffer.from(`user:${values.password}`).toString('base64'));
  expect(sent).toContain(`Bearer ${accessToken}`);
  expect(mail.received).toMatchObject([{ user: 'canary-user', email: { text: expect.stringContaining(values.body) } }]);

  // And nowhere else.
  expect(leaks(seen.join('\n'))).toEqual([]);
  expect(leaks(JSON.stringify(harness().server.logs))).toEqual([]);
  expect(leaks(await wholeDatabase(harness().server.database.url))).toEqual([]);
});

test('a marker in an input is text like any other', async () => {
  const name = await secret(harness(), { value: values.unused });
  const forged = `FPSECRET-${name}-${'0'.repeat(32)}`;
  const nodes = [node('call', 'http.request', { url: `${echo.url}/json`, method: 'POST', body: '{{ input }}' })];
  const workflow_id = await publishedWorkflow(harness(), { nodes, edges: [] });
  await harness().call('executeWorkflow', {
    path: { workflow_id },
    query: { wait: '30s' },
    json: { input: { forged } },
  });
  expect(echo.received.at(-1)!.body).toContain(forged);
  expect(leaks(JSON.stringify(echo.received.at(-1)))).toEqual([]);
});

/** Which secrets a text holds, in any form that one would think of first. */
function leaks(text: string): string[] {
  const hidden = Object.entries({ ...values, accessToken });
  return hidden.filter(([, value]) => formsOf(value).some((form) => text.includes(form))).map(([name]) => name);
}

function formsOf(value: string): string[] {
  const bytes = Buffer.from(value);
  const inner = (offset: number): string =>
    Buffer.concat([Buffer.alloc(offset, 'x'), bytes])
      .toString('base64')
      .slice(4, -4);
  const json = JSON.stringify(value).slice(1, -1);
  const encoded = [encodeURIComponent(value), new URLSearchParams([['', value]]).toString().slice(1)];
  return [
    value,
    json,
    JSON.stringify(json).slice(1, -1),
    ...encoded,
    bytes.toString('hex'),
    inner(0),
    inner(1),
    inner(2),
  ];
}

/** Every column of every table, of ours and of the engine, as text. */
async function wholeDatabase(url: string): Promise<string> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const { rows: tables } = await client.query<{ name: string }>(
      `select format('%I.%I', table_schema, table_name) as name from information_schema.tables
       where table_schema not in ('pg_catalog', 'information_schema') and table_type = 'BASE TABLE'`,
    );
    const texts: string[] = [];
    for (const { name } of tables) {
      const { rows } = await client.query(`select * from ${name} t`);
      for (const row of rows as Record<string, unknown>[])
        for (const value of Object.values(row))
          texts.push(
            Buffer.isBuffer(value)
              ? value.toString('latin1')
              : typeof value === 'string'
                ? value
                : JSON.stringify(value),
          );
    }
    expect(tables.length).toBeGreaterThan(20);
    return texts.join('\n');
  } finally {
    await client.end();
  }
}
