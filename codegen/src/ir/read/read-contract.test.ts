import { describe, expect, test } from '@jest/globals';
import { contractOf } from '../../../test/contract-of.ts';
import type { JsonObject } from '../../json.ts';
import { GeneratorError, Problems } from '../../problems.ts';
import type { Contract } from '../contract.ts';
import type { SourceLocation } from '../location.ts';

const responses = { '204': { description: '' } };

/** Code, place and message of what is wrong with a document. */
function problemsOf(document: JsonObject): readonly string[] {
  try {
    contractOf(document);
    return [];
  } catch (error) {
    if (!(error instanceof GeneratorError)) throw error;
    return error.problems.map(
      ({ code, message, location }) => `${code} at ${(location as SourceLocation).pointer}: ${message}`,
    );
  }
}

function skipping(code: string, document: JsonObject): Contract {
  return contractOf(document, new Problems([code]));
}

describe('servers', () => {
  test.each([
    ['of a path', { servers: [{ url: 'https://files.example.com' }], get: { responses } }, '/paths/~1a/servers'],
    ['of an operation', { get: { servers: [{ url: '/v2' }], responses } }, '/paths/~1a/get/servers'],
  ])('%s are refused by name', (_, item, place) => {
    const document = { paths: { '/a': item } };
    expect(problemsOf(document)).toEqual([
      `unsupported-servers at ${place}: servers below the root are not generated: the routes are those of the paths`,
    ]);
    expect(skipping('unsupported-servers', document).operations).toHaveLength(1);
  });

  test.each([
    [{ url: '/v1' }, '/v1'],
    [{ url: 'https://example.com/api/' }, '/api'],
    [{ url: '{scheme}://{host}/{base}', variables: { base: { default: 'v1' }, host: { default: 'h' } } }, '/v1'],
  ])('the root server %j puts a path before every route', (server, path) => {
    const document = { servers: [{ url: 'https://example.com' }, server], paths: {} };
    expect(problemsOf(document)).toEqual([
      `unsupported-server-path at /servers/1/url: the server's path ${path} is not part of the generated routes`,
    ]);
    expect(skipping('unsupported-server-path', document).servers).toHaveLength(2);
  });

  test.each(['/', '.', '', 'https://example.com', 'https://example.com/', 'http://{host}:{port}'])(
    'the root server %j adds no path',
    (url) => {
      expect(problemsOf({ servers: [{ url }], paths: {} })).toEqual([]);
    },
  );
});

test('links are refused by name', () => {
  const linked = { '204': { description: '', links: { next: { operationId: 'b' } } } };
  const document = { paths: { '/a': { get: { responses: linked } } } };
  expect(problemsOf(document)).toEqual([
    'unsupported-links at /paths/~1a/get/responses/204/links: links are not generated',
  ]);
  expect(skipping('unsupported-links', document).operations[0]!.responses).toHaveLength(1);
});

describe('a deprecated operation', () => {
  const deprecated = (more: JsonObject): JsonObject => ({
    paths: { '/a': { get: { deprecated: true, ...more, responses } } },
  });

  test('says since when, because the Deprecation header is that date', () => {
    const document = deprecated({ 'x-sunset': '2027-01-01' });
    expect(problemsOf(document)).toEqual([
      'undated-deprecation at /paths/~1a/get/deprecated: GET /a is deprecated without a date',
    ]);
    expect(skipping('undated-deprecation', document).operations[0]!.deprecated).toEqual({ sunset: '2027-01-01' });
  });

  test.each(['x-deprecated-since', 'x-sunset'])('has a date in %s', (name) => {
    for (const value of ['soon', 20270101]) {
      expect(problemsOf(deprecated({ 'x-deprecated-since': '2026-01-01', [name]: value }))).toEqual([
        `invalid-extension at /paths/~1a/get/${name}: ${name} is ${JSON.stringify(value)}`,
      ]);
    }
  });
});
