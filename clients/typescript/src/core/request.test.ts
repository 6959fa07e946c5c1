import { describe, expect, test } from '@jest/globals';
import { operations } from '../../test/pets-contract.ts';
import type { Operation, QueryParameter } from './operation.ts';
import { prepareRequest, serializeBody, serializeQuery } from './request.ts';

const { listPets, createPet, walkPet } = operations;
const date = new Date('2026-01-01T00:00:00Z');

function query(value: unknown, style: QueryParameter['style'] = 'form', explode = false): string {
  return serializeQuery({ ...listPets, query: [{ name: 'a b', style, explode }] }, { 'a b': value });
}

describe('a query parameter', () => {
  test.each<[unknown, QueryParameter['style'], boolean, string]>([
    ['x&y', 'form', false, 'a%20b=x%26y'],
    [0, 'form', false, 'a%20b=0'],
    [false, 'form', false, 'a%20b=false'],
    [date, 'form', false, 'a%20b=2026-01-01T00%3A00%3A00.000Z'],
    [['x', 'y,z'], 'form', false, 'a%20b=x,y%2Cz'],
    [['x', 'y'], 'form', true, 'a%20b=x&a%20b=y'],
    [['x', 'y'], 'spaceDelimited', false, 'a%20b=x%20y'],
    [['x', 'y'], 'pipeDelimited', false, 'a%20b=x%7Cy'],
    [[date, 1], 'form', false, 'a%20b=2026-01-01T00%3A00%3A00.000Z,1'],
    [[], 'form', false, ''],
    [{ 'c d': 'x', e: undefined, f: 0 }, 'form', false, 'a%20b=c%20d,x,f,0'],
    [{ 'c d': 'x', e: undefined, f: 0 }, 'form', true, 'c%20d=x&f=0'],
    [{ 'c d': 'x', e: undefined, f: 0 }, 'deepObject', true, 'a%20b[c%20d]=x&a%20b[f]=0'],
    [undefined, 'form', true, ''],
    [null, 'form', true, ''],
  ])('%j as %s, explode %s: %s', (value, style, explode, expected) => {
    expect(query(value, style, explode)).toBe(expected);
  });

  test('that is not declared has the default style', () => {
    expect(serializeQuery(listPets, { other: ['x', 'y'] })).toBe('other=x&other=y');
  });
});

describe('the parameters of a call', () => {
  const path = { pet_id: 'p1' };
  const merged: Operation = walkPet;
  const property: Operation = { ...walkPet, body: { contentTypes: ['text/csv'], from: 'property' } };
  const prepared = (operation: Operation, params: unknown, options = {}): unknown => {
    const { query, body, contentType } = prepareRequest(operation, { path, params }, options);
    return { query, body, contentType };
  };

  test.each<[string, Operation, unknown, unknown]>([
    ['no body: all are the query', listPets, { page: 2 }, { query: { page: 2 } }],
    ['no body and none', listPets, undefined, { query: {} }],
    ['no body and no object', listPets, ['x'], { query: {} }],
    ['all are the body', createPet, { page: 2 }, { query: {}, body: { page: 2 }, contentType: 'application/json' }],
    ['no body given', createPet, undefined, { query: {} }],
    [
      'merged',
      merged,
      { wait: '5s', n: 1 },
      { query: { wait: '5s' }, body: { n: 1 }, contentType: 'application/json' },
    ],
    [
      'merged, of the query alone',
      merged,
      { wait: '5s' },
      { query: { wait: '5s' }, body: {}, contentType: 'application/json' },
    ],
    ['merged, none', merged, undefined, { query: {} }],
    [
      'by itself',
      property,
      { wait: '5s', n: 1, body: 'a' },
      { query: { wait: '5s' }, body: 'a', contentType: 'text/csv' },
    ],
    ['by itself, none', property, { wait: '5s' }, { query: { wait: '5s' } }],
  ])('%s', (_name, operation, params, expected) => {
    expect(prepared(operation, params)).toEqual({ body: undefined, contentType: undefined, ...(expected as object) });
  });

  test('those of the call that the contract does not know win', () => {
    expect(prepared(merged, { wait: '5s' }, { query: { wait: '1s', debug: 1 } })).toMatchObject({
      query: { wait: '1s', debug: 1 },
    });
  });

  test('a media type of the call wins, and means nothing without a body', () => {
    expect(prepared(createPet, {}, { contentType: 'application/yaml' })).toMatchObject({
      contentType: 'application/yaml',
    });
    expect(prepared(createPet, undefined, { contentType: 'application/yaml' })).toMatchObject({
      contentType: undefined,
    });
  });

  test.each([undefined, null, '', '.', '..'])('the path parameter %j is refused', (pet_id) => {
    const send = (): unknown => prepareRequest(merged, { path: { pet_id: pet_id as string } }, {});
    expect(send).toThrow(`walkPet: pet_id must be a non-empty path segment, not ${JSON.stringify(pet_id ?? '')}`);
  });

  test.each(['...', '.a', 0, false])('the path parameter %j is none of those', (pet_id) => {
    expect(prepareRequest(merged, { path: { pet_id } }, {}).path).toEqual({ pet_id });
  });
});

describe('a body', () => {
  test.each([
    ['application/json', 'text', '"text"'],
    ['application/merge-patch+json', 'text', '"text"'],
    ['application/json', { a: 1 }, '{"a":1}'],
    ['application/yaml', 'a: 1', 'a: 1'],
    ['application/jsonl', 'text', 'text'],
  ])('%s of %j is %s', (contentType, body, expected) => {
    expect(serializeBody(body, contentType)).toBe(expected);
  });

  test.each([new Blob(['a']), new FormData(), new URLSearchParams('a=1'), new ArrayBuffer(1), new Uint8Array(1)])(
    'what fetch can send is sent as it is: %s',
    (body) => {
      expect(serializeBody(body, 'application/octet-stream')).toBe(body);
    },
  );

  test('a form has each value of a list, and nothing of what is undefined', () => {
    const body = { a: ['x', 'y z'], b: 1, c: undefined };
    expect(String(serializeBody(body, 'application/x-www-form-urlencoded'))).toBe('a=x&a=y+z&b=1');
    expect(String(serializeBody(null, 'application/x-www-form-urlencoded'))).toBe('');
  });

  test('a form of parts has files as files, and objects as JSON', async () => {
    const body = { file: new Blob(['data']), list: ['x', 2], object: { n: 1 }, none: undefined };
    const form = serializeBody(body, 'multipart/form-data') as FormData;
    expect([...form.keys()]).toEqual(['file', 'list', 'list', 'object']);
    expect(await (form.get('file') as Blob).text()).toBe('data');
    expect([form.getAll('list'), form.get('object')]).toEqual([['x', '2'], '{"n":1}']);
    expect([...(serializeBody(undefined, 'multipart/form-data') as FormData).keys()]).toEqual([]);
  });
});
