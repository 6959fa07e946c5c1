import { expect, test } from '@jest/globals';
import type { Json } from '../../domain-error.ts';
import { type NodeResult, OutgoingHttpError, type OutgoingRequest, type OutgoingResponse } from '../index.ts';
import { maxJsonLength } from '../../../../test/max-json-length.ts';
import { nodeFailure, RecordingHttp, runNode } from '../testing/run-node.ts';

const http = new RecordingHttp();

const response = (status: number, body: string, headers: Record<string, string> = {}): OutgoingResponse => ({
  status,
  headers,
  body: new TextEncoder().encode(body),
  duration: 3,
});

const outcome = async (params: Record<string, Json>, answers: Json[]): Promise<NodeResult> =>
  (await runNode('http.request', params, answers, http)).result;

const failure = (params: Record<string, Json>, answers: Json[] = []): ReturnType<typeof nodeFailure> =>
  nodeFailure('http.request', params, answers, http);

const call = async (params: Record<string, Json>, parts: Json[]): Promise<OutgoingRequest> => {
  http.sent.length = 0;
  await runNode('http.request', params, [parts], http);
  return http.sent[0]!;
};

test.each<[url: string, values: Json[], query: Record<string, Json>, want: string]>([
  ['https://api.test/a', ['https://api.test/a'], {}, 'https://api.test/a'],
  ['https://api.test/{{ input.id }}', ['https://api.test/', 'a/../b?c#d'], {}, 'https://api.test/a%2F..%2Fb%3Fc%23d'],
  ['https://api.test/?q={{ input.q }}', ['https://api.test/?q=', 'a&b=c d'], {}, 'https://api.test/?q=a%26b%3Dc%20d'],
  ['{{ variables.base }}/x/{{ input.id }}', ['https://api.test:8443/v1', '/x/', 7], {}, 'https://api.test:8443/v1/x/7'],
  ['https://{{ input.host }}/', ['https://', 'eu.api.test', '/'], {}, 'https://eu.api.test/'],
  [
    'https://api.test/',
    ['https://api.test/'],
    { a: 1, b: ['x', 'y z'], c: null, d: { e: true } },
    'https://api.test/?a=1&b=x&b=y+z&d=%7B%22e%22%3Atrue%7D',
  ],
])('%s with %j and %j', async (url, values, query, want) => {
  expect((await call({ url, query }, values)).url.href).toBe(want);
});

test.each<[url: string, values: Json[]]>([
  ['https://api.test/{{ input.id }}/x', ['https://api.test/', '..', '/x']],
  ['https://{{ input.host }}/', ['https://', 'evil.test/@api.test', '/']],
  ['https://{{ input.host }}.api.test/', ['https://', 'evil.test?', '.api.test/']],
  ['{{ input.url }}', ['file:///etc/passwd']],
  ['{{ input.url }}', ['not a url']],
  ['https://u:p@api.test/', ['https://u:p@api.test/']],
])('%s with %j is an invalid_url', async (url, values) => {
  expect(await failure({ url }, [values])).toMatchObject({ code: 'invalid_url' });
});

test('sends JSON with the idempotency key, and no redirects', async () => {
  expect(
    await call(
      { url: 'https://a.test', method: 'POST', body: { a: [1] }, headers: { 'X-A': 1, 'x-b': null }, timeout: '2s' },
      ['https://a.test'],
    ),
  ).toMatchObject({
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': 'exec_1:n:1', 'x-a': '1' },
    body: '{"a":[1]}',
    timeout: 2_000,
    redirects: 0,
  });
});

test.each<[params: Record<string, Json>, want: Partial<OutgoingRequest>]>([
  [
    { body: 'plain' },
    { body: 'plain', headers: expect.objectContaining({ 'content-type': 'text/plain; charset=utf-8' }) as never },
  ],
  [
    { form: { a: 'b c', d: 1 } },
    {
      body: 'a=b+c&d=1',
      headers: expect.objectContaining({ 'content-type': 'application/x-www-form-urlencoded' }) as never,
    },
  ],
  [
    { auth: { type: 'bearer', token: 't' } },
    { headers: expect.objectContaining({ authorization: 'Bearer t' }) as never },
  ],
  [
    { auth: { type: 'basic', username: 'u', password: 'é' } },
    { headers: expect.objectContaining({ authorization: 'Basic dTrDqQ==' }) as never },
  ],
  [
    { headers: { 'Idempotency-Key': 'own' } },
    { headers: expect.objectContaining({ 'idempotency-key': 'own' }) as never },
  ],
  [{ follow_redirects: true }, { redirects: 5 }],
])('%j', async (params, want) => {
  expect(await call({ url: 'https://a.test', ...params }, ['https://a.test'])).toMatchObject(want);
});

test.each<[given: OutgoingResponse, body: Json]>([
  [response(200, '{"a":1}', { 'content-type': 'application/json; charset=utf-8' }), { a: 1 }],
  [response(200, '{"a":1}', { 'content-type': 'application/problem+json' }), { a: 1 }],
  [response(200, '{"a":', { 'content-type': 'application/json' }), '{"a":'],
  [response(200, '{"a":1}', { 'content-type': 'text/plain' }), '{"a":1}'],
  [response(204, ''), null],
  [{ ...response(200, ''), body: new Uint8Array([255, 254, 0]) }, '//4A'],
])('reads %#', async (given, body) => {
  http.answer = () => given;
  expect((await outcome({ url: 'https://a.test' }, [['https://a.test']])).output).toEqual({
    status: given.status,
    headers: given.headers,
    body,
    duration_ms: 3,
  });
});

test('an answer of 400 or above fails the node, with a code for retry.on', async () => {
  http.answer = () => response(503, 'busy');
  expect(await failure({ url: 'https://a.test/x?key=secret' }, [['https://a.test/x?key=secret']])).toMatchObject({
    code: 'http_5xx',
    message: 'https://a.test/x answered 503.',
    details: { status: 503, body: 'busy' },
  });
  expect(await outcome({ url: 'https://a.test', fail_on_status: false }, [['https://a.test']])).toMatchObject({
    output: { status: 503 },
  });
});

test('no answer fails the node, with a code for retry.on', async () => {
  http.answer = () => {
    throw new OutgoingHttpError('timeout', 'no complete answer within 100 ms');
  };
  expect(await failure({ url: 'https://a.test/x' }, [['https://a.test/x']])).toMatchObject({
    code: 'http_timeout',
    message: 'https://a.test/x: no complete answer within 100 ms',
  });
});

test.each<[params: Record<string, Json>, message: string]>([
  [{ url: 'x', method: 'BREW' }, 'params.method has a value that is not allowed'],
  [{ url: 'x', auth: { type: 'basic', username: 'u' } }, 'params.auth.password is missing'],
  [{ url: 'x', headers: { 'x-a': 'a\r\nx-b: c' } }, 'params.headers.x-a must match pattern'],
  [{ url: 'x', body: 1, form: {} }, 'params'],
])('%j: evaluated params that break the schema fail the node', async (params, message) => {
  const error = await failure(params);
  expect(error.code).toBe('invalid_params');
  expect(error.message).toContain(message);
});

test('a large answer is read in pieces, as JSON or as the text that it is', async () => {
  const text = `[${Array.from({ length: 40_000 }, (_, id) => `{"id":${id},"name":"\\ud83d"}`).join(',')}]`;
  const headers = { 'content-type': 'application/json' };
  let output: unknown;
  http.answer = () => response(200, text, headers);
  const longest = await maxJsonLength(async () => {
    ({ output } = await outcome({ url: 'https://a.test' }, [['https://a.test']]));
  });
  expect(longest).toBeLessThan(text.length / 4);
  expect((output as { body: Json }).body).toEqual(JSON.parse(text));

  http.answer = () => response(200, `${text},`, headers);
  ({ output } = await outcome({ url: 'https://a.test' }, [['https://a.test']]));
  expect((output as { body: Json }).body).toBe(`${text},`);

  http.answer = () => response(200, `[${text},${'['.repeat(200)}${']'.repeat(201)}`, headers);
  expect((await failure({ url: 'https://a.test' }, [['https://a.test']])).code).toBe('result_too_deep');

  const names = Array.from({ length: 20_001 }, (_, id) => `"k${id}":1`).join(',');
  http.answer = () => response(200, `[{${names}},${text.slice(1)}`, headers);
  expect(await failure({ url: 'https://a.test' }, [['https://a.test']])).toMatchObject({
    code: 'too_many_names',
    message: 'The answer has an object with more than 20,000 names.',
  });
});

test('a large body is written in pieces', async () => {
  const body = Array.from({ length: 40_000 }, (_, id) => ({ id, name: '\ud83d' }));
  const text = JSON.stringify(body);
  let sent: OutgoingRequest | undefined;
  http.answer = () => response(204, '');
  const longest = await maxJsonLength(async () => {
    sent = await call({ url: 'https://a.test', method: 'POST', body }, ['https://a.test']);
  });
  expect(longest).toBeLessThan(text.length / 2);
  expect(sent!.body).toBe(text);
});
