import { expect, test } from '@jest/globals';
import { lowerDocument } from './lower-document.ts';
import { openObjects } from './open-objects.ts';

type Json = Record<string, unknown>;

const base = { openapi: '3.1.0', info: { title: 'T', version: '1' }, paths: {} };

function lower(document: Json): { document: Json; losses: string[] } {
  const lowered = lowerDocument({ ...base, ...document });
  return { document: lowered.document, losses: lowered.losses.map(({ code, pointer }) => `${code} at ${pointer}`) };
}

const operation = (more: Json): Json => ({
  paths: { '/a': { get: { responses: { '204': { description: 'ok' } }, ...more } } },
});

const get = (document: Json): Json => {
  const paths = document['paths'] as Record<string, Record<string, Json>>;
  return paths['/a']!['get']!;
};

test('the version is 3.0.3, and the dialect is gone', () => {
  const { document } = lower({ jsonSchemaDialect: 'https://json-schema.org/draft/2020-12/schema' });
  expect(document).toEqual({ ...base, openapi: '3.0.3' });
});

test('an SPDX identifier becomes a URL', () => {
  const { document } = lower({ info: { title: 'T', version: '1', license: { name: 'MIT', identifier: 'MIT' } } });
  expect(document['info']).toMatchObject({ license: { name: 'MIT', url: 'https://spdx.org/licenses/MIT.html' } });
});

test('a document without paths has none', () => {
  expect(lowerDocument({ openapi: '3.1.0', info: {} }).document).toMatchObject({ paths: {} });
});

test('each webhook is a loss', () => {
  const { document, losses } = lower({ webhooks: { a: {}, b: {} } });
  expect(document).not.toHaveProperty('webhooks');
  expect(losses).toEqual(['webhook at /webhooks/a', 'webhook at /webhooks/b']);
});

test('path items that are references are put in place', () => {
  const { document } = lower({
    paths: { '/a': { $ref: '#/components/pathItems/A' } },
    components: { pathItems: { A: { get: { operationId: 'a', responses: { '200': { description: 'ok' } } } } } },
  });
  expect(get(document)).toMatchObject({ operationId: 'a' });
  expect(document['components']).toEqual({});
});

test('an operation without responses gets one', () => {
  const { document } = lower({ paths: { '/a': { get: {} } } });
  expect(get(document)).toEqual({ responses: { default: { description: 'Not described.' } } });
});

test('schemas are lowered wherever they stand', () => {
  const schema = { type: ['string', 'null'] };
  const lowered = { type: 'string', nullable: true };
  const content = { 'application/json': { schema } };
  const { document } = lower({
    ...operation({
      parameters: [{ name: 'q', in: 'query', schema }],
      requestBody: { content },
      responses: { '200': { description: 'ok', headers: { X: { schema } }, content } },
    }),
    components: {
      schemas: { S: schema },
      parameters: { P: { name: 'p', in: 'query', schema } },
      responses: { R: { description: 'r', content } },
      headers: { H: { schema } },
      requestBodies: { B: { content } },
    },
  });
  const text = JSON.stringify(document);
  expect(text).not.toContain('"null"');
  expect(text.split(JSON.stringify(lowered))).toHaveLength(10);
});

test('only OAuth 2 and OpenID Connect keep scopes', () => {
  const { document, losses } = lower({
    ...operation({ security: [{ Key: ['a:read'] }, { OAuth: ['a:read'] }] }),
    components: { securitySchemes: { Key: { type: 'apiKey' }, OAuth: { type: 'oauth2' } } },
  });
  expect(get(document)['security']).toEqual([{ Key: [] }, { OAuth: ['a:read'] }]);
  expect(losses).toEqual(['scopes at /components/securitySchemes/Key']);
});

test('siblings of a reference outside schemas are a loss', () => {
  const { document, losses } = lower(
    operation({ responses: { '404': { $ref: '#/components/responses/N', description: 'other' } } }),
  );
  expect(get(document)['responses']).toEqual({ '404': { $ref: '#/components/responses/N' } });
  expect(losses).toEqual(['reference-siblings at /paths/~1a/get/responses/404']);
});

test('an event stream is a loss, and text', () => {
  const content = { 'text/event-stream': { schema: { type: 'string' }, 'x-event-schema': {} } };
  const { document, losses } = lower(operation({ responses: { '200': { description: 'ok', content } } }));
  expect(get(document)).toMatchObject({
    responses: { '200': { content: { 'text/event-stream': { schema: { type: 'string' } } } } },
  });
  expect(losses).toEqual(['event-stream at /paths/~1a/get/responses/200/content/text~1event-stream']);
});

test('bytes without a schema are binary', () => {
  const { document } = lower(operation({ requestBody: { content: { 'application/octet-stream': {} } } }));
  expect(get(document)).toMatchObject({
    requestBody: { content: { 'application/octet-stream': { schema: { type: 'string', format: 'binary' } } } },
  });
});

test('names that are no identifiers, or differ only in case, are changed with their references', () => {
  const { document, losses } = lower({
    components: {
      schemas: {
        Pet: { type: 'object' },
        pet: { type: 'string' },
        'a-b.c': { allOf: [{ $ref: '#/components/schemas/pet' }, { $ref: '#/components/schemas/Pet' }] },
      },
    },
  });
  expect(document['components']).toEqual({
    schemas: {
      Pet: { type: 'object' },
      pet2: { type: 'string' },
      ABC: { allOf: [{ $ref: '#/components/schemas/pet2' }, { $ref: '#/components/schemas/Pet' }] },
    },
  });
  expect(losses).toEqual(['renamed at /components/schemas/pet', 'renamed at /components/schemas/a-b.c']);
});

test('references are followed however they are written; other texts stay', () => {
  const { document } = lower({
    components: {
      schemas: {
        'a b': { type: 'string' },
        Other: {
          allOf: [{ $ref: '#/components/schemas/a%20b' }, { $ref: '#/components/schemas/a b' }],
          example: '#/components/schemas/%zz',
          description: '%23/components/schemas/a b',
        },
      },
    },
  });
  expect(document['components']).toEqual({
    schemas: {
      AB: { type: 'string' },
      Other: {
        allOf: [{ $ref: '#/components/schemas/AB' }, { $ref: '#/components/schemas/AB' }],
        example: '#/components/schemas/%zz',
        description: '%23/components/schemas/a b',
      },
    },
  });
});

test('what 3.0.3 has no place for is a loss', () => {
  const { document, losses } = lower({
    info: { title: 'T', version: '1', summary: 's', license: { name: 'Own', url: 'https://example.com' } },
    components: { securitySchemes: { Cert: { type: 'mutualTLS', description: 'd' }, Key: { type: 'apiKey' } } },
  });
  expect(document).toMatchObject({
    info: { title: 'T', version: '1', license: { name: 'Own', url: 'https://example.com' } },
    components: {
      securitySchemes: { Cert: { type: 'http', scheme: 'mutual', description: 'd' }, Key: { type: 'apiKey' } },
    },
  });
  expect(document['info']).not.toHaveProperty('summary');
  expect(losses).toEqual(['info-summary at /info/summary', 'mutual-tls at /components/securitySchemes/Cert']);
});

test('scopes of a scheme are one loss, with the number of requirements; those that name none are none', () => {
  const { losses } = lowerDocument({
    ...base,
    security: [{ Key: ['a'] }, { Open: ['a'] }, { Key: [] }, { Other: [] }],
    ...operation({ security: [{ Key: ['b'] }] }),
    components: {
      securitySchemes: { Key: { type: 'apiKey' }, Open: { type: 'openIdConnect' }, Other: { type: 'http' } },
    },
  });
  expect(losses).toEqual([
    expect.objectContaining({ message: 'Key: 3.0.3 has scopes only for OAuth 2; left out of 2 requirements' }),
  ]);
});

test('text without a schema stays so; what stands beside a path is lowered, and callbacks are', () => {
  const schema = { type: ['string', 'null'] };
  const { document, losses } = lower({
    paths: {
      '/a': {
        summary: 's',
        parameters: [{ name: 'p', in: 'query', schema }],
        get: {
          requestBody: { content: { 'text/plain': {} } },
          responses: { '404': { $ref: '#/components/responses/N', 'x-own': 1 } },
          callbacks: { done: { '{$url}': { post: { requestBody: { content: { 'application/json': { schema } } } } } } },
        },
      },
    },
  });
  const lowered = { type: 'string', nullable: true };
  expect(document['paths']).toMatchObject({
    '/a': { summary: 's', parameters: [{ schema: lowered }], get: { requestBody: { content: { 'text/plain': {} } } } },
  });
  expect(get(document)['requestBody']).toEqual({ content: { 'text/plain': {} } });
  expect(JSON.stringify(get(document)['callbacks'])).toContain(JSON.stringify(lowered));
  expect(losses).toEqual([]);
});

test('openObjects lets clients ignore what they do not know', () => {
  const schema = {
    additionalProperties: false,
    properties: { a: { additionalProperties: false } },
    example: { additionalProperties: false },
  };
  expect(openObjects({ schema })).toEqual({
    schema: { properties: { a: {} }, example: { additionalProperties: false } },
  });
});
