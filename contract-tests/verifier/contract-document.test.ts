import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { ContractDocument } from './contract-document.ts';

const id = { name: 'id', in: 'path', required: true };
const document = {
  security: [{ Key: ['read'] }],
  paths: {
    '/pets/{id}': {
      parameters: [{ $ref: '#/components/parameters/Id' }],
      get: {
        operationId: 'getPet',
        tags: ['Pets', 'Others'],
        parameters: [{ name: 'fields', in: 'query' }],
        responses: { 404: { $ref: '#/components/responses/Gone' } },
      },
      put: {
        operationId: 'putPet',
        security: [],
        requestBody: { $ref: '#/components/requestBodies/Pet' },
        responses: {},
      },
    },
    '/pets/{id}.json': { get: { operationId: 'getPetFile', responses: {} } },
    '/pets/mine': { $ref: '#/components/pathItems/mine~1a b' },
  },
  components: {
    parameters: { Id: id },
    headers: { Left: { required: true } },
    requestBodies: { Pet: { required: true, content: {} } },
    responses: { Gone: { description: 'Gone.', headers: { 'X-Left': { $ref: '#/components/headers/Left' } } } },
    pathItems: { 'mine/a b': { get: { operationId: 'getMine', responses: {} } } },
  },
};
const contract = ContractDocument.of(document);

test.each([
  ['GET', '/pets/1', 'getPet'],
  ['get', '/pets/a%2Fb', 'getPet'],
  ['PUT', '/pets/1', 'putPet'],
  ['GET', '/pets/mine', 'getMine'],
  ['GET', '/pets/1.json', 'getPet'],
  ['GET', '/pets/1/json', undefined],
  ['GET', '/pets/', undefined],
  ['GET', '/v1/pets/1', undefined],
  ['POST', '/pets/1', undefined],
])('%s %s is %s', (method, pathname, expected) => {
  expect(contract.match(method, pathname)?.id).toBe(expected);
});

test('a dot of a path is a dot', () => {
  const dotted = ContractDocument.of({ paths: { '/a.json': { get: { operationId: 'getA', responses: {} } } } });
  expect(dotted.match('GET', '/a.json')?.id).toBe('getA');
  expect(dotted.match('GET', '/abjson')).toBeUndefined();
});

test('a literal path wins over a parameter, in whichever order they stand', () => {
  const paths = Object.entries(document.paths).reverse();
  const reversed = ContractDocument.of({ ...document, paths: Object.fromEntries(paths) });
  expect(reversed.match('GET', '/pets/mine')?.id).toBe('getMine');
});

test('an operation has what its path has, with every reference followed', () => {
  expect(contract.operation('getPet')).toEqual({
    id: 'getPet',
    method: 'GET',
    path: '/pets/{id}',
    tag: 'Pets',
    parameters: [id, { name: 'fields', in: 'query' }],
    requestBody: undefined,
    responses: { 404: { description: 'Gone.', headers: { 'X-Left': { required: true } } } },
    security: [{ Key: ['read'] }],
  });
});

test('an operation may be public, and have a body', () => {
  expect(contract.operation('putPet')).toMatchObject({ tag: '', security: [], requestBody: { required: true } });
});

test('a contract without paths or security has no operations and no security', () => {
  expect(ContractDocument.of({}).operations).toEqual([]);
  const open = ContractDocument.of({ paths: { '/a': { get: { operationId: 'getA', responses: {} } } } });
  expect(open.operation('getA').security).toEqual([]);
});

test('an operation that does not exist is an error that names it', () => {
  expect(() => contract.operation('getAll')).toThrow('The contract has no operation getAll.');
});

test.each([
  ['#/components/responses/Lost', 'Reference #/components/responses/Lost leads nowhere.'],
  ['#/nowhere/at/all', 'Reference #/nowhere/at/all leads nowhere.'],
  ['other.yaml#/a', 'Reference other.yaml#/a is not internal to the bundle.'],
])('the reference %s is an error that names it', ($ref, message) => {
  expect(() => contract.resolve({ $ref })).toThrow(message);
});

test('what is no reference stays as it is', () => {
  for (const value of [1, 'a', null, undefined, true, { $ref: 1 }]) expect(contract.resolve(value)).toBe(value);
});

test('a file whose reference does not resolve does not load', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'flowpact-contract-'));
  try {
    const file = join(folder, 'openapi.yaml');
    const paths = 'paths: { /a: { get: { operationId: getA, responses: { 200: { $ref: "%" } } } } }';
    const text = `openapi: 3.1.0\ninfo: { title: A, version: 1.0.0 }\n${paths}\n`;
    await writeFile(file, text.replace('%', './lost.yaml'));
    await expect(ContractDocument.load(file)).rejects.toThrow(`${file} does not bundle: `);
    await writeFile(file, text.replace('%', './ok.yaml'));
    await writeFile(join(folder, 'ok.yaml'), 'description: Good.\n');
    const loaded = await ContractDocument.load(file);
    expect(loaded.operation('getA').responses).toEqual({ 200: { description: 'Good.', headers: {} } });
  } finally {
    await rm(folder, { recursive: true });
  }
});
