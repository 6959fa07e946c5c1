import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { importOnce } from '../../server/test/import-once.ts';
import { useContractHarness, verifier } from '../harness/contract-harness.ts';
import { createFixture, type Fixture } from '../harness/fixture.ts';
import { prismViolations } from '../verifier/prism-violations.ts';
import type { PrismProxy } from '../verifier/prism.ts';
import type { Exchange } from '../verifier/verifier.ts';

// Who watches the watchers: real exchanges of the server are made wrong in every way that a server can be wrong, and the verifier must
// notice each. A battery that misses one fails.

const { readPrismOperations, startPrism } = await importOnce<typeof import('../verifier/prism.ts')>(
  new URL('../verifier/prism.ts', import.meta.url),
);

const harness = useContractHarness();
let fixture: Fixture;

/** What the mutations start from: a real exchange per name. */
const originals = new Map<string, Exchange>();

beforeAll(async () => {
  fixture = await createFixture(harness());
  const seed = [
    'getCurrentUser', 'listApiKeys', 'getApiKey', 'createApiKey', 'listScopes', 'listWorkflows', 'createWorkflow', 'getWorkflow',
    'validateWorkflow', 'listWorkflowVersions', 'exportWorkflow', 'listExecutions', 'getExecution', 'listExecutionSteps',
    'listExecutionLogs', 'streamExecutionEvents', 'getHealth', 'login', 'revokeApiKey',
  ]; // prettier-ignore
  for (const id of seed) {
    await harness().call(id, fixture.requests[id]);
    originals.set(id, harness().tap.exchanges.at(-1)!);
  }
  await harness().refused('getWorkflow', { path: { workflow_id: 'none' } }, 404, 'resource_not_found');
  originals.set('notFound', harness().tap.exchanges.at(-2)!);
  originals.set('notFoundProblem', harness().tap.exchanges.at(-1)!);
});

type Json = Record<string, any>; // eslint-disable-line typescript/no-explicit-any -- mutations reach into any body

function body(change: (json: Json) => void): (exchange: Exchange) => Exchange {
  return (exchange) => {
    const json = JSON.parse(exchange.body.toString()) as Json;
    change(json);
    return { ...exchange, body: Buffer.from(JSON.stringify(json)) };
  };
}

function headers(change: (headers: Record<string, string[]>) => void): (exchange: Exchange) => Exchange {
  return (exchange) => {
    const copy = structuredClone(exchange.headers);
    change(copy);
    return { ...exchange, headers: copy };
  };
}

const text =
  (change: (text: string) => string) =>
  (exchange: Exchange): Exchange => ({
    ...exchange,
    body: Buffer.from(change(exchange.body.toString())),
  });

const status =
  (code: number) =>
  (exchange: Exchange): Exchange => ({ ...exchange, status: code });

type Mutation = [kind: string, original: string, mutate: (exchange: Exchange) => Exchange];

const MUTATIONS: Mutation[] = [
  ['missing required: the envelope', 'getWorkflow', body((json) => delete json['data'])],
  ['missing required: meta', 'getWorkflow', body((json) => delete json['meta'])],
  ['missing required: request id', 'getWorkflow', body((json) => delete json['meta'].request_id)],
  ['missing required: a property', 'getWorkflow', body((json) => delete json['data'].name)],
  ['missing required: in an array item', 'listWorkflows', body((json) => delete json['data'][0].status)],
  ['missing required: pagination', 'listWorkflows', body((json) => delete json['pagination'])],
  ['missing required: part of the pagination', 'listWorkflows', body((json) => delete json['pagination'].has_next)],
  ['missing required: cursor pagination', 'listExecutions', body((json) => delete json['pagination'].has_more)],
  ['missing required: the secret that was promised', 'createApiKey', body((json) => delete json['data'].secret)],
  ['extra field: beside the envelope', 'getWorkflow', body((json) => (json['debug'] = true))],
  ['extra field: in the resource', 'getWorkflow', body((json) => (json['data'].organisation_id = 'org_1'))],
  ['extra field: in a node', 'getWorkflow', body((json) => (json['data'].definition.nodes[0].internal = 1))],
  ['extra field: in an array item', 'listExecutionSteps', body((json) => (json['data'][0].engine_id = 'x'))],
  ['extra field: in an error', 'notFound', body((json) => (json['error'].stack = 'at ...'))],
  ['leak: a password hash', 'getCurrentUser', body((json) => (json['data'].password_hash = '$argon2id$'))],
  ['leak: the hash of a key', 'getApiKey', body((json) => (json['data'].hash = 'ab'))],
  ['leak: a secret in a list', 'listApiKeys', body((json) => (json['data'][0].secret = 'fp_live_x'))],
  ['wrong type: number for text', 'getWorkflow', body((json) => (json['data'].name = 7))],
  ['wrong type: text for number', 'getWorkflow', body((json) => (json['data'].revision = '1'))],
  ['wrong type: text for boolean', 'getWorkflow', body((json) => (json['data'].has_unpublished_changes = 'no'))],
  ['wrong type: object for array', 'listWorkflows', body((json) => (json['data'] = {}))],
  ['wrong type: array for object', 'getExecution', body((json) => (json['data'].metadata = []))],
  ['null where none is allowed', 'getExecution', body((json) => (json['data'].created_at = null))],
  ['null for the whole resource', 'getExecution', body((json) => (json['data'] = null))],
  ['enum: a status nobody knows', 'getExecution', body((json) => (json['data'].status = 'done'))],
  ['enum: a scope nobody knows', 'getApiKey', body((json) => (json['data'].scopes = ['everything']))],
  ['enum: a level nobody knows', 'listExecutionLogs', body((json) => (json['data'][0].level = 'loud'))],
  ['format: no RFC 3339 time', 'getWorkflow', body((json) => (json['data'].created_at = '22.11.2026'))],
  ['wrong type: a number for the request id', 'getWorkflow', body((json) => (json['meta'].request_id = 1))],
  ['pattern: an id of another kind', 'getWorkflow', body((json) => (json['data'].id = json['data'].id.replace('wf_', 'exec_')))],
  ['pattern: a bare UUID for an id', 'getExecution', body((json) => (json['data'].workflow_id = '550e8400-e29b-41d4-a716-446655440000'))],
  ['bounds: a page before the first', 'listWorkflows', body((json) => (json['pagination'].page = 0))],
  ['bounds: more than a page may hold', 'listWorkflows', body((json) => (json['data'] = Array(101).fill(json['data'][0])))],
  ['bounds: a negative duration', 'getExecution', body((json) => (json['data'].duration_ms = -1))],
  ['bounds: a fraction for an integer', 'getExecution', body((json) => (json['data'].workflow_version = 1.5))],
  ['uniqueness: the same scope twice', 'getApiKey', body((json) => (json['data'].scopes = ['workflows:read', 'workflows:read']))],
  ['wrong code: of another status', 'notFound', body((json) => (json['error'].code = 'validation_error'))],
  ['wrong code: unknown', 'notFound', body((json) => (json['error'].code = 'not_found'))],
  ['wrong shape: an error inside a success', 'getWorkflow', body((json) => (json['error'] = { code: 'x' }))],
  ['wrong shape: problem details as the envelope', 'notFoundProblem', headers((all) => (all['content-type'] = ['application/json']))],
  ['wrong shape: the envelope as problem details', 'notFound', headers((all) => (all['content-type'] = ['application/problem+json']))],
  ['problem details without their code', 'notFoundProblem', body((json) => delete json['code'])],
  ['problem details with another status inside', 'notFoundProblem', body((json) => (json['status'] = 500))],
  ['wrong status: undeclared', 'getWorkflow', status(418)],
  ['wrong status: created instead of found', 'getWorkflow', status(201)],
  ['wrong status: found instead of created', 'createWorkflow', status(200)],
  ['wrong status: an error body under success', 'notFound', status(200)],
  ['wrong status: a success body under an error', 'getWorkflow', status(404)],
  ['wrong status: a redirect', 'getWorkflow', status(302)],
  ['wrong media type', 'getWorkflow', headers((all) => (all['content-type'] = ['text/html']))],
  ['missing media type', 'getWorkflow', headers((all) => delete all['content-type'])],
  ['missing header: request id', 'getWorkflow', headers((all) => delete all['x-request-id'])],
  ['missing header: rate limit', 'getWorkflow', headers((all) => delete all['x-ratelimit-remaining'])],
  ['missing header: where the new thing is', 'createWorkflow', headers((all) => delete all['location'])],
  ['missing header: the cookie', 'login', headers((all) => delete all['set-cookie'])],
  ['malformed header', 'getWorkflow', headers((all) => (all['x-ratelimit-reset'] = ['soon']))],
  ['undeclared header', 'getWorkflow', headers((all) => (all['x-powered-by'] = ['Express']))],
  ['undeclared cookie', 'getWorkflow', headers((all) => (all['set-cookie'] = ['a=b']))],
  ['body: no JSON', 'getWorkflow', text((json) => json.slice(0, -1))],
  ['body: empty', 'getWorkflow', text(() => '')],
  ['body: JSON inside a string', 'getWorkflow', text((json) => JSON.stringify(json))],
  ['body: where none is declared', 'revokeApiKey', text(() => '{}')],
  ['body: cut off', 'getWorkflow', (exchange) => ({ ...exchange, truncated: true })],
  ['discriminator: an event nobody knows', 'streamExecutionEvents', text((all) => all.replaceAll('"node:completed"', '"node:done"'))],
  ['discriminator: the payload of another event', 'streamExecutionEvents', text((all) => all.replace('"execution:started"', '"node:started"'))],
  ['events: no JSON', 'streamExecutionEvents', text((all) => all.replace('data: {', 'data: '))],
  ['events: out of order', 'streamExecutionEvents', text((all) => all.replace(/^id: \d+$/m, 'id: 999999'))],
  ['events: cut in the middle', 'streamExecutionEvents', text((all) => all.slice(0, -20))],
  ['events: an extra field', 'streamExecutionEvents', text((all) => all.replace('"sequence":', '"lane":1,"sequence":'))],
]; // prettier-ignore

test('the battery catches every wrong response', () => {
  const missed = MUTATIONS.filter(([, original, mutate]) => {
    const exchange = originals.get(original)!;
    const mutated = mutate(exchange);
    expect(mutated).not.toEqual(exchange);
    return verifier.verify(mutated).violations.length === 0;
  }).map(([kind]) => kind);
  process.stdout.write(
    `mutation battery: ${MUTATIONS.length - missed.length}/${MUTATIONS.length} wrong responses caught\n`,
  );
  expect(missed).toEqual([]);
});

describe('canaries: Prism notices a wrong response of every operation with a JSON body', () => {
  let answer: { status: number; contentType: string; body: string };
  let upstream: Server;
  let prism: PrismProxy;

  beforeAll(async () => {
    upstream = createServer((_request, response) => {
      response.writeHead(answer.status, { 'content-type': answer.contentType });
      response.end(answer.body);
    });
    await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
    prism = await startPrism(
      await readPrismOperations(verifier.contract),
      `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`,
    );
  });

  afterAll(async () => {
    await prism.close();
    await new Promise((resolve) => upstream.close(resolve));
  });

  const withJson = verifier.contract.operations.flatMap((operation) =>
    Object.entries(operation.responses)
      .filter(([code, response]) => code.startsWith('2') && response.content?.['application/json'])
      .map(([code]) => ({ id: operation.id, code: Number(code) })),
  );

  test.each(withJson)('$id $code', async ({ id, code }) => {
    answer = { status: code, contentType: 'application/json', body: '{"canary":true}' };
    const operation = verifier.contract.operation(id);
    const path = operation.path.replaceAll(/\{[^}]+\}/g, '1');
    const response = await fetch(`${prism.url}${path}`, { method: operation.method });
    const complaints = prismViolations(response.headers).filter((violation) => violation.location[0] === 'response');
    expect(complaints).not.toEqual([]);
  });
});
