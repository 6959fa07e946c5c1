import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { ContractDocument } from './contract-document.ts';
import { prismViolations } from './prism-violations.ts';
import { type PrismProxy, readPrismOperations, startPrism } from './prism.ts';

const contract = ContractDocument.of({
  openapi: '3.1.0',
  info: { title: 'Zoo', version: '1' },
  paths: {
    '/animals/{id}': {
      get: {
        operationId: 'getAnimal',
        parameters: [
          { name: 'id', in: 'path', required: true, schema: { type: 'string' } },
          { name: 'page', in: 'query', schema: { type: 'integer' } },
        ],
        security: [{ Key: [] }],
        responses: {
          200: {
            description: 'An animal.',
            content: { 'application/json': { schema: { $ref: '#/components/schemas/Animal' } } },
          },
        },
      },
    },
  },
  components: {
    securitySchemes: { Key: { type: 'apiKey', in: 'header', name: 'X-Key' } },
    schemas: {
      // Draft 7, which Prism reads without a dialect, knows no `prefixItems`.
      Animal: {
        type: 'object',
        properties: { name: { type: ['string', 'null'] }, place: { prefixItems: [{ type: 'number' }] } },
      },
    },
  },
});

let answer: { status: number; body: unknown };
let upstream: Server;
let prism: PrismProxy;

beforeAll(async () => {
  upstream = createServer((_request, response) => {
    response.writeHead(answer.status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(answer.body));
  });
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
  const { port } = upstream.address() as AddressInfo;
  prism = await startPrism(await readPrismOperations(contract), `http://127.0.0.1:${port}`);
});

afterAll(async () => {
  await prism.close();
  await new Promise((resolve) => upstream.close(resolve));
});

/** Status of the answer, and where Prism finds something wrong. */
async function places(status: number, body: unknown, path = '/animals/an_1', key = 'k'): Promise<unknown[]> {
  answer = { status, body };
  const response = await fetch(`${prism.url}${path}`, { headers: key === '' ? {} : { 'x-key': key } });
  const found = prismViolations(response.headers).map(({ location }) => location.join('.'));
  return [response.status, ...found];
}

test('a good response passes', async () => {
  expect(await places(200, { name: null, place: [1] })).toEqual([200]);
});

test.each([
  ['a wrong response', 200, { name: 1 }, 'response.body.name'],
  ['what only JSON Schema 2020-12 refuses', 200, { place: ['here'] }, 'response.body.place.0'],
  ['an undeclared status', 418, {}, 'response'],
])('%s is reported, and passed on', async (_name, status, body, place) => {
  expect(await places(status, body)).toEqual([status, place]);
});

test('a wrong request is reported, and passed on', async () => {
  expect(await places(200, {}, '/animals/an_1?page=x')).toEqual([200, 'request.query.page']);
});

test('a request without its key is reported, and passed on', async () => {
  expect(await places(200, {}, '/animals/an_1', '')).toEqual([200, 'request']);
});
