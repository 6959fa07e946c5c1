import { beforeEach, describe, expect, test } from '@jest/globals';
import type { Json } from '../../domain-error.ts';
import type { CredentialValues } from '../../vault/credential-values.ts';
import type { OutgoingResponse } from '../index.ts';
import { nodeFailure, RecordingHttp, runNode, TestVault } from '../testing/run-node.ts';

const url = 'https://api.test/x';
const vault = new TestVault();
let http: RecordingHttp;

beforeEach(() => {
  http = new RecordingHttp();
  vault.secrets = { KEY: 'the key', PATH: 'https://hooks.test/services/T0/secret?x=1' };
});

const run = (params: Record<string, Json>, parts: Json[] = [url]): ReturnType<typeof runNode> =>
  runNode('http.request', { url, ...params }, [parts], { http, vault });
const marker = (name: string): string => vault.markers.of('exec_1', name);
const json = (status: number, body: Json): OutgoingResponse => ({
  status,
  headers: { 'content-type': 'application/json' },
  body: Buffer.from(JSON.stringify(body)),
  duration: 1,
});

test.each<[values: CredentialValues, headers: Record<string, string>, query: string]>([
  [{ type: 'bearer', token: 'token' }, { authorization: 'Bearer token' }, ''],
  [{ type: 'basic', username: 'u', password: 'pass' }, { authorization: 'Basic dTpwYXNz' }, ''],
  [{ type: 'api_key', key: 'the key' }, { 'x-api-key': 'the key' }, ''],
  [{ type: 'api_key', key: 'the key', name: 'X-Other' }, { 'x-other': 'the key' }, ''],
  [{ type: 'api_key', key: 'the key', in: 'query', name: 'k' }, {}, '?k=the+key'],
  [{ type: 'custom', headers: { 'X-A': 'value a', 'X-B': 'value b' } }, { 'x-a': 'value a', 'x-b': 'value b' }, ''],
])('%j', async (values, headers, query) => {
  vault.credentials = { one: values };
  await run({ auth: { credential: 'one' } });
  expect(http.sent[0]).toMatchObject({ headers, confidential: { headers: Object.keys(headers), body: false } });
  expect(http.sent[0]!.url.search).toBe(query);
});

describe('oauth2', () => {
  beforeEach(() => {
    vault.credentials = {
      one: {
        type: 'oauth2',
        token_url: 'https://id.test/token',
        client_id: 'us',
        client_secret: 'a b&c',
        scope: 'read',
      },
    };
  });

  test('asks for a token once and uses it as long as it holds', async () => {
    http.answer = () =>
      http.sent.at(-1)!.url.host === 'id.test'
        ? json(200, { access_token: 'tok en', expires_in: 60 })
        : json(200, 'tok en');
    const { result } = await run({ auth: { credential: 'one' } });
    expect(http.sent.map(({ url: { host } }) => host)).toEqual(['id.test', 'api.test']);
    expect(http.sent[0]).toMatchObject({
      method: 'POST',
      body: 'grant_type=client_credentials&scope=read',
      headers: { authorization: `Basic ${Buffer.from('us:a+b%26c').toString('base64')}` },
    });
    expect(http.sent[1]!.headers.authorization).toBe('Bearer tok en');
    expect(result.output).toMatchObject({ body: '[credential one]' });
  });

  test.each<[answer: OutgoingResponse, code: string]>([
    [json(401, { error: 'invalid_client' }), 'credential_refused'],
    [json(503, {}), 'credential_unavailable'],
    [json(200, {}), 'credential_unavailable'],
  ])('%#: no token fails the node', async (answer, code) => {
    http.answer = () => answer;
    const params = { url, auth: { credential: 'one' } };
    const failed = await nodeFailure('http.request', params, [[url]], { http, vault });
    expect(failed).toMatchObject({ code });
    expect(JSON.stringify([failed.message, failed.details])).not.toContain('a b&c');
  });
});

test('secrets stand in for their markers in the call, and their markers in the record', async () => {
  const { commands } = await run({
    method: 'POST',
    headers: { 'X-Key': `Key ${marker('KEY')}`, 'X-Open': '1' },
    query: { k: marker('KEY') },
    body: { list: [marker('KEY')] },
  });
  expect(http.sent[0]).toMatchObject({
    headers: { 'x-key': 'Key the key' },
    body: '{"list":["the key"]}',
    confidential: { headers: ['x-key'], body: true },
  });
  expect(http.sent[0]!.url.href).toBe('https://api.test/x?k=the+key');
  expect(commands.map(({ kind }) => kind)).toEqual(['evaluate', 'step']);
});

test('an address may be a secret; what fails does not tell it', async () => {
  await run({ url: '{{ secrets.PATH }}' }, [marker('PATH')]);
  expect(http.sent[0]!.url.href).toBe('https://hooks.test/services/T0/secret?x=1');
  http.answer = () => json(500, { echo: 'https://hooks.test/services/T0/secret?x=1' });
  const failed = await nodeFailure('http.request', { url: 'x' }, [[marker('PATH')]], { http, vault });
  expect(failed).toMatchObject({ code: 'http_5xx', message: 'The server answered 500.' });
  expect(JSON.stringify(failed.details)).not.toContain('services');
  vault.secrets = { PATH: 'no address at all' };
  const wrong = await nodeFailure('http.request', { url: 'x' }, [[marker('PATH')]], { http, vault });
  expect(wrong).toMatchObject({ code: 'invalid_url' });
  expect(wrong.message).not.toContain('no address');
});
