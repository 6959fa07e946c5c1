import { describe, expect, test } from '@jest/globals';
import { ContractDocument } from './contract-document.ts';
import { Verifier, type Exchange } from './verifier.ts';

const document = {
  openapi: '3.1.0',
  info: { title: 'Zoo', version: '1' },
  paths: {
    '/animals/{id}': {
      get: {
        operationId: 'getAnimal',
        parameters: [{ name: 'id', in: 'path', required: true, schema: { type: 'string' } }],
        responses: {
          200: {
            description: 'An animal.',
            headers: {
              'X-Request-Id': { required: true, schema: { type: 'string', minLength: 3 } },
              'X-Left': { schema: { type: 'integer' } },
              'X-Last': { schema: { type: ['boolean', 'null'] } },
            },
            content: { 'application/json': { schema: { $ref: '#/components/schemas/Envelope' } } },
          },
          404: {
            description: 'None.',
            content: {
              'application/problem+json': {
                schema: { type: 'object', properties: { code: { const: 'gone' } }, required: ['code'] },
              },
            },
          },
        },
      },
      delete: {
        operationId: 'deleteAnimal',
        parameters: [{ name: 'id', in: 'path', required: true, schema: { type: 'string' } }],
        responses: { 204: { description: 'Deleted.' } },
      },
    },
    '/events.txt': {
      get: { operationId: 'getText', responses: { '2XX': { description: 'A text.', content: { 'text/plain': {} } } } },
    },
    '/animals/mine': { get: { operationId: 'getMine', responses: { 204: { description: 'None.' } } } },
    '/events': {
      get: {
        operationId: 'streamEvents',
        responses: {
          200: {
            description: 'Events.',
            content: {
              'text/event-stream': {
                schema: { type: 'string' },
                'x-event-schema': { $ref: '#/components/schemas/Event' },
              },
            },
          },
        },
      },
    },
  },
  components: {
    schemas: {
      Envelope: { type: 'object', required: ['data'], properties: { data: { $ref: '#/components/schemas/Animal' } } },
      Base: { type: 'object', required: ['id'], properties: { id: { type: 'string', pattern: '^an_' } } },
      Animal: {
        allOf: [
          { $ref: '#/components/schemas/Base' },
          {
            type: 'object',
            required: ['name', 'secret', 'born'],
            properties: {
              name: { type: 'string' },
              born: { type: ['string', 'null'], format: 'date-time' },
              secret: { type: 'string', writeOnly: true },
              extra: { type: 'object', additionalProperties: true },
              legs: { type: 'array', items: { type: 'object', properties: { side: { enum: ['left', 'right'] } } } },
            },
          },
        ],
      },
      Event: {
        oneOf: [
          { type: 'object', required: ['type', 'n'], properties: { type: { const: 'tick' }, n: { type: 'integer' } } },
          { type: 'object', required: ['type'], properties: { type: { const: 'end' } } },
        ],
      },
    },
  },
};

const contract = ContractDocument.of(document);
const verifier = new Verifier(contract);
const animal = {
  id: 'an_1',
  name: 'Ada',
  born: '2026-01-01T00:00:00.000Z',
  extra: { free: ['form'] },
  legs: [{ side: 'left' }],
};

function exchange(change: Partial<Exchange> & { json?: unknown } = {}): Exchange {
  const { json = { data: animal }, ...rest } = change;
  return {
    method: 'GET',
    url: '/animals/an_1',
    status: 200,
    headers: { 'content-type': ['application/json'], 'x-request-id': ['abc'], date: ['now'] },
    body: Buffer.from(JSON.stringify(json)),
    ...rest,
  };
}

const stream = (text: string, truncated = false): Exchange =>
  exchange({ url: '/events', headers: { 'content-type': ['text/event-stream'] }, body: Buffer.from(text), truncated });

describe('the verifier accepts', () => {
  test.each<[string, Exchange]>([
    ['what the contract says', exchange()],
    ['a null where the type allows it', exchange({ json: { data: { ...animal, born: null } } })],
    [
      'a number in a header',
      exchange({
        headers: { 'content-type': ['application/json; charset=utf-8'], 'x-request-id': ['abc'], 'x-left': ['3'] },
      }),
    ],
    [
      'a yes or no in a header',
      exchange({
        headers: { 'content-type': ['application/json'], 'x-request-id': ['abc'], 'x-last': ['true', 'false'] },
      }),
    ],
    [
      'a number in a header that is a text',
      exchange({ headers: { 'content-type': ['application/json'], 'x-request-id': ['123'] } }),
    ],
    ['no content', exchange({ method: 'DELETE', status: 204, headers: {}, body: Buffer.alloc(0) })],
    [
      'an event stream',
      stream(': hi\n\nid: 1\nevent: tick\ndata: {"type":"tick","n":1}\n\nid: 2\ndata: {"type":"end"}\n\n'),
    ],
    ['events without an id', stream('data: {"type":"end"}\n\nid: 0\ndata: {"type":"end"}\n\ndata: {"type":"end"}\n\n')],
    ['a stream that the client left', stream('id: 1\ndata: {"type":"end"}\n\nid: 2\nda', true)],
  ])('%s', (_name, given) => {
    expect(verifier.verify(given).violations).toEqual([]);
  });
});

describe('the verifier refuses', () => {
  test.each<[string, Exchange, RegExp]>([
    ['an undeclared path', exchange({ url: '/plants' }), /no such operation/],
    ['an undeclared status', exchange({ status: 201 }), /status is not declared/],
    [
      'an undeclared media type',
      exchange({ headers: { 'content-type': ['text/plain'], 'x-request-id': ['abc'] } }),
      /media type text\/plain/,
    ],
    [
      'the right body under another declared status',
      exchange({ status: 404, headers: { 'content-type': ['application/problem+json'] } }),
      /code/,
    ],
    ['no media type', exchange({ headers: { 'x-request-id': ['abc'] } }), /no Content-Type/],
    [
      'a missing header',
      exchange({ headers: { 'content-type': ['application/json'] } }),
      /header x-request-id is missing/,
    ],
    [
      'a malformed header',
      exchange({ headers: { 'content-type': ['application/json'], 'x-request-id': ['abc'], 'x-left': ['many'] } }),
      /header x-left/,
    ],
    [
      'a null in a header, which has none',
      exchange({ headers: { 'content-type': ['application/json'], 'x-request-id': ['abc'], 'x-last': ['null'] } }),
      /header x-last: \/ must be boolean,null/,
    ],
    [
      'a second value of a header that is malformed',
      exchange({ headers: { 'content-type': ['application/json'], 'x-request-id': ['abc'], 'x-left': ['1', '"2"'] } }),
      /header x-left: \/ must be integer/,
    ],
    [
      'an undeclared header',
      exchange({ headers: { 'content-type': ['application/json'], 'x-request-id': ['abc'], 'x-powered-by': ['me'] } }),
      /x-powered-by is not declared/,
    ],
    ['a body that is no JSON', exchange({ body: Buffer.from('{') }), /not JSON/],
    ['an empty body', exchange({ body: Buffer.alloc(0) }), /not JSON/],
    ['a missing property', exchange({ json: {} }), /required property 'data'/],
    ['an extra property', exchange({ json: { data: animal, debug: 1 } }), /unevaluated/],
    ['an extra property beside allOf', exchange({ json: { data: { ...animal, hash: 'x' } } }), /unevaluated/],
    [
      'an extra property of an item',
      exchange({ json: { data: { ...animal, legs: [{ side: 'left', toes: 5 }] } } }),
      /unevaluated/,
    ],
    ['a writeOnly property', exchange({ json: { data: { ...animal, secret: 's' } } }), /secret/],
    ['a wrong type', exchange({ json: { data: { ...animal, name: 1 } } }), /name must be string/],
    ['a wrong format', exchange({ json: { data: { ...animal, born: 'yesterday' } } }), /date-time/],
    ['a value outside an enum', exchange({ json: { data: { ...animal, legs: [{ side: 'up' }] } } }), /allowed values/],
    ['a wrong pattern', exchange({ json: { data: { ...animal, id: '7' } } }), /pattern/],
    ['a body where none is declared', exchange({ method: 'DELETE', status: 204, headers: {} }), /a body was sent/],
    ['an event of an unknown kind', stream('data: {"type":"boom"}\n\n'), /event message/],
    ['an event without JSON', stream('data: hello\n\n'), /no JSON/],
    [
      'event ids that go back',
      stream('id: 2\ndata: {"type":"end"}\n\nid: 1\ndata: {"type":"end"}\n\n'),
      /does not follow/,
    ],
    [
      'an event id that comes twice',
      stream('id: 2\ndata: {"type":"end"}\n\nid: 2\ndata: {"type":"end"}\n\n'),
      /event id 2 does not follow 2/,
    ],
    ['a whole body of a response that ended early', exchange({ truncated: true }), /ended early/],
    [
      'a part of a text',
      exchange({
        url: '/events.txt',
        headers: { 'content-type': ['text/plain'] },
        body: Buffer.from('a'),
        truncated: true,
      }),
      /ended early/,
    ],
    ['a stream that breaks off', stream('data: {"type":"end"}\n\ndata: {"ty'), /unfinished/],
  ])('%s', (_name, given, expected) => {
    expect(verifier.verify(given).violations.join('\n')).toMatch(expected);
  });

  test('a schema that does not compile, before anything is verified', () => {
    const broken = structuredClone(document);
    Object.assign(broken.components.schemas.Base.properties.id, { pattern: '(?i)^an_' });
    expect(() => new Verifier(ContractDocument.of(broken)).compileAll()).toThrow(/regular expression|pattern/i);
    const unused = structuredClone(document);
    Object.assign(unused.components.schemas, { Unused: { pattern: '(?i)^an_' } });
    expect(() => new Verifier(ContractDocument.of(unused)).compileAll()).toThrow(/regular expression|pattern/i);
  });

  test('what is no JSON, with the first 80 characters of it', () => {
    const text = `x${'y'.repeat(79)}z`;
    const told = [exchange({ body: Buffer.from(text) }), stream(`data: ${text}\n\n`)].map((given) =>
      verifier.verify(given).violations.join(),
    );
    expect(told.map((violation) => violation.slice(-80))).toEqual([text.slice(0, 80), text.slice(0, 80)]);
  });
});

test('a literal path wins over a parameter', () => {
  expect(contract.match('GET', '/animals/mine')?.id).toBe('getMine');
});

test('declared lists each status and media type once', () => {
  expect(verifier.declared()).toContainEqual({
    operation: 'getAnimal',
    status: '404',
    mediaType: 'application/problem+json',
  });
  expect(verifier.declared()).toHaveLength(6);
});
