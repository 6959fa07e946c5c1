import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { verifier, useContractHarness } from '../harness/contract-harness.ts';
import { createFixture, type Fixture } from '../harness/fixture.ts';
import { sharedOperations } from '../harness/tags/index.ts';
import type { Operation } from '../verifier/contract-document.ts';

// Which refusals each operation must give, whoever wrote its controller. Nothing here names an operation: the matrix grows with
// the contract.

const { contract } = verifier;
const harness = useContractHarness();
let fixture: Fixture;
beforeAll(async () => {
  fixture = await createFixture(harness());
});

const guarded = contract.operations.filter((operation) => operation.security.length > 0);
const scoped = guarded.filter((operation) => Object.values(operation.security[0]!).some((scopes) => scopes.length > 0));
const withBody = contract.operations.filter((operation) => operation.requestBody);
const withId = contract.operations.filter(({ id, path }) => path.includes('{') && !sharedOperations.includes(id));
const negotiated = contract.operations.filter((operation) => operation.responses['406']);
const ids = (operations: readonly Operation[]): string[] => operations.map((operation) => operation.id);

// Refusals count as requests, and there are more of them here than an export may have in a minute.
beforeEach(async () => {
  await harness().server.database.orm.em.getConnection().execute('delete from request_count');
});

test('the fixture knows a good request for every operation', async () => {
  expect(Object.keys(fixture.requests).sort()).toEqual(ids(contract.operations).sort());
});

describe.each(ids(guarded))('%s', (id) => {
  test('401: no key', async () => {
    const { requests } = fixture;
    await harness().refused(id, { ...requests[id], apiKey: null }, 401, 'invalid_api_key');
  });

  test.each(['invalid_api_key', 'expired_api_key', 'revoked_api_key'] as const)('401: %s', async (code) => {
    const { requests, keys } = fixture;
    await harness().refused(id, { ...requests[id], apiKey: keys[code] }, 401, code);
  });

  test('401: a token that nobody signed', async () => {
    const { requests } = fixture;
    const headers = { ...requests[id]!.headers, authorization: 'Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJ1c2VyXzEifQ.' };
    await harness().refused(id, { ...requests[id], headers }, 401, 'invalid_token');
  });
});

describe.each(ids(scoped))('%s', (id) => {
  test('403: a key without the scope', async () => {
    const { requests, keys } = fixture;
    const required = Object.values(contract.operation(id).security[0]!).flat();
    const apiKey = required.every((scope) => scope.startsWith('api-keys:')) ? keys.workflowsOnly : keys.apiKeysOnly;
    const { body } = await harness().refused(id, { ...requests[id], apiKey }, 403, 'insufficient_scope');
    expect(body.error.details).toEqual({ required_scopes: required, missing_scopes: required });
  });
});

describe.each(ids(withId))('%s', (id) => {
  test("404: another organisation's id", async () => {
    const { requests, stranger } = fixture;
    await harness().refused(id, { ...requests[id], apiKey: stranger.apiKey }, 404, 'resource_not_found');
  });

  test('404: an id that never was', async () => {
    const { requests } = fixture;
    const path = Object.fromEntries(
      Object.keys(requests[id]!.path ?? {}).map((name) => [name, name === 'version' ? '1' : 'none']),
    );
    await harness().refused(id, { ...requests[id], path }, 404, 'resource_not_found');
  });
});

describe.each(ids(contract.operations))('%s', (id) => {
  test('400: an unknown query parameter', async () => {
    const { requests } = fixture;
    const query = { ...requests[id]!.query, surprise: '1' };
    const { body } = await harness().refused(id, { ...requests[id], query }, 400, 'validation_error');
    expect(body.error.details.errors).toContainEqual(expect.objectContaining({ field: 'surprise', location: 'query' }));
  });
});

describe.each(ids(withBody))('%s', (id) => {
  test('400: malformed JSON', async () => {
    const { requests } = fixture;
    const headers = { ...requests[id]!.headers, 'content-type': 'application/json' };
    await harness().refused(
      id,
      { ...requests[id], json: undefined, raw: '{"name": ', headers },
      400,
      'validation_error',
    );
  });

  test('413: a body beyond the limit', async () => {
    const { requests } = fixture;
    const headers = { ...requests[id]!.headers, 'content-type': 'application/json' };
    const raw = JSON.stringify({ padding: 'x'.repeat(1_100_000) });
    await harness().refused(id, { ...requests[id], json: undefined, raw, headers }, 413, 'payload_too_large');
  });

  test('415: a media type that nobody declared', async () => {
    const { requests } = fixture;
    const headers = { ...requests[id]!.headers, 'content-type': 'text/csv' };
    await harness().refused(
      id,
      { ...requests[id], json: undefined, raw: 'a,b', headers },
      415,
      'unsupported_media_type',
    );
  });
});

describe.each(ids(negotiated))('%s', (id) => {
  test('406: an answer that nobody can give', async () => {
    const { requests } = fixture;
    const headers = { ...requests[id]!.headers, accept: 'image/png' };
    await harness().refused(id, { ...requests[id], headers }, 406, 'not_acceptable');
  });
});
