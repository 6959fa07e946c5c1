import { expect, test } from '@jest/globals';
import { createConfig, lintFromString } from '@redocly/openapi-core';
import contractRules from './contract-rules.js';

const config = await createConfig({
  plugins: [contractRules()],
  rules: {
    'contract/no-root-dialect': 'error',
    'contract/snake-case-names': 'error',
    'contract/request-body-closed': 'error',
    'contract/operation-examples': { severity: 'error', except: ['cursor'] },
    'contract/operation-policies': {
      severity: 'error',
      schemes: ['Key'],
      classes: ['general'],
      unlimited: ['getProbe'],
      more: { getProbe: ['Ticket'] },
    },
    'contract/operation-errors': { severity: 'error', more: { createPet: ['402'] }, less: { getProbe: ['503'] } },
    'contract/error-media-types': { severity: 'error', types: ['application/json'] },
    'contract/response-headers': {
      severity: 'error',
      always: ['X-Request-Id'],
      limited: ['RateLimit'],
      less: { getProbe: ['Location'] },
    },
  },
});

const header = { schema: { type: 'string' } };
const always = { 'X-Request-Id': header };
const limited = { ...always, RateLimit: header };
const body = (schema: object, example: unknown) => ({ 'application/json': { schema, example } });
const error = (headers: object = limited) => ({ description: 'no', headers, content: body({ type: 'object' }, {}) });
const pet = () => ({ type: 'object', additionalProperties: false, properties: { pet_name: { type: 'string' } } });

/** A document that satisfies every rule; each test breaks it in one place. */
function goodDocument() {
  return {
    openapi: '3.1.0',
    info: { title: 'Pets', version: '1' },
    jsonSchemaDialect: undefined as string | undefined,
    paths: {
      '/pets/{pet_id}': {
        post: {
          operationId: 'createPet',
          security: [{ Key: ['pets:write'] }] as Record<string, string[]>[] | undefined,
          'x-rate-limit': 'general' as string | undefined,
          'x-body-limit': 1000 as number | undefined,
          parameters: [
            {
              name: 'pet_id',
              in: 'path',
              required: true,
              schema: { type: 'string' },
              example: 'rex' as string | undefined,
            },
            { name: 'cursor', in: 'query', schema: { type: 'string' } },
            { name: 'Idempotency-Key', in: 'header', schema: { type: 'string' }, example: 'k' },
          ],
          requestBody: { content: body(pet(), {}) },
          responses: {
            '201': {
              description: 'made',
              headers: { ...limited, Location: header, 'Idempotent-Replayed': header } as Record<string, object>,
              content: body(pet(), {}),
            },
            '401': error({ ...limited, 'WWW-Authenticate': header }),
            '429': error({ ...limited, 'Retry-After': header }),
            '503': error({ ...limited, 'Retry-After': header }),
            ...Object.fromEntries(
              ['400', '402', '403', '404', '406', '409', '413', '415', '422', '500'].map((status) => [status, error()]),
            ),
          } as Record<string, ReturnType<typeof error> & { content: Record<string, { example?: unknown }> }>,
        },
      },
      '/probe': {
        get: {
          operationId: 'getProbe',
          security: [],
          'x-pagination': undefined as string | undefined,
          responses: {
            '200': { description: 'yes', headers: always, content: body(pet(), {}) },
            ...Object.fromEntries(['400', '406', '500'].map((status) => [status, error(always)])),
          },
        },
      },
    },
    // What is sent to others: they answer as they like.
    webhooks: {
      pet_made: { post: { requestBody: { content: body(pet(), {}) }, responses: { '410': { description: 'gone' } } } },
    },
    components: { securitySchemes: { Key: { type: 'apiKey', in: 'header', name: 'X-Key' } } },
  };
}

type Document = ReturnType<typeof goodDocument>;

async function messagesOf(document: Document): Promise<string[]> {
  const problems = await lintFromString({ source: JSON.stringify(document), config });
  return problems.map(({ ruleId, message }) => `${ruleId}: ${message}`);
}

const post = (document: Document) => document.paths['/pets/{pet_id}'].post;

const cases: [name: string, breakIt: (document: Document) => void, messages: string[]][] = [
  ['nothing is reported for a document that satisfies every rule', () => undefined, []],
  [
    'a root dialect',
    (document) => void (document.jsonSchemaDialect = 'https://json-schema.org/draft/2020-12/schema'),
    ['contract/no-root-dialect: Remove `jsonSchemaDialect`: the default is meant, and Swagger UI refuses any other.'],
  ],
  [
    'a camelCase property',
    (document) =>
      void Object.assign(post(document).requestBody.content['application/json'].schema, {
        properties: { petName: { type: 'string' } },
      }),
    ['contract/snake-case-names: Write the property petName in snake_case.'],
  ],
  [
    'a camelCase query parameter',
    (document) => void (post(document).parameters[1]!.name = 'nextCursor'),
    [
      'contract/operation-examples: The parameter nextCursor needs an example.',
      'contract/snake-case-names: Write the parameter nextCursor in snake_case.',
    ],
  ],
  [
    'an open request body',
    (document) => void (post(document).requestBody.content = body({ type: 'object' }, {})),
    ['contract/request-body-closed: Close the object of a request body with `additionalProperties: false`.'],
  ],
  [
    'a parameter without an example',
    (document) => void (post(document).parameters[0]!.example = undefined),
    ['contract/operation-examples: The parameter pet_id needs an example.'],
  ],
  [
    'an error without an example',
    (document) => void delete post(document).responses['404']!.content['application/json']!.example,
    ['contract/operation-examples: The 404 error as application/json needs an example.'],
  ],
  [
    'an operation without a further scheme of its own',
    (document) => Object.assign(document.paths['/probe'].get, { security: [{ Key: [] }] }),
    [
      'contract/operation-errors: Declare the 401 response.',
      'contract/operation-policies: Name each of Key, Ticket in `security`, in this order.',
    ],
  ],
  [
    'an operation without security',
    (document) => void (post(document).security = undefined),
    [
      'contract/operation-errors: Nothing in this operation makes a 401 possible: remove it.',
      'contract/operation-errors: Nothing in this operation makes a 403 possible: remove it.',
      'contract/operation-policies: Set `security`; an empty list for a public operation.',
    ],
  ],
  [
    'an operation without its limits',
    (document) => {
      post(document)['x-rate-limit'] = 'generous';
      post(document)['x-body-limit'] = undefined;
    },
    [
      'contract/operation-policies: Set `x-body-limit`, in bytes, where there is a request body and nowhere else.',
      'contract/operation-policies: Set `x-rate-limit` to one of general.',
    ],
  ],
  [
    'paging of what has no pages',
    (document) => void (document.paths['/probe'].get['x-pagination'] = 'page'),
    [
      'contract/operation-policies: Set `x-pagination` to page, cursor or both where the response has `pagination` and nowhere else.',
    ],
  ],
  [
    'a missing error',
    (document) => void delete post(document).responses['415'],
    ['contract/operation-errors: Declare the 415 response.'],
  ],
  [
    'an error that cannot happen',
    (document) => void (post(document).responses['418'] = error() as never),
    ['contract/operation-errors: Nothing in this operation makes a 418 possible: remove it.'],
  ],
  [
    'an error in one media type too many',
    (document) => void Object.assign(post(document).responses['404']!.content, { 'text/plain': { example: 'no' } }),
    ['contract/error-media-types: The 404 response must come as application/json, and as nothing else.'],
  ],
  [
    'a response without its headers',
    (document) => void Object.assign(post(document).responses['201']!, { headers: { RateLimit: header } }),
    ['contract/response-headers: The 201 response must declare X-Request-Id, Location, Idempotent-Replayed.'],
  ],
  [
    'no more than the headers that an operation may do without',
    (document) =>
      void Object.assign(document.paths['/probe'].get.responses, {
        '202': { description: 'later', headers: {}, content: body(pet(), {}) },
      }),
    ['contract/response-headers: The 202 response must declare X-Request-Id.'],
  ],
];

test.each(cases)('%s', async (_name, breakIt, messages) => {
  const document = goodDocument();
  breakIt(document);
  expect((await messagesOf(document)).toSorted()).toEqual(messages);
});
