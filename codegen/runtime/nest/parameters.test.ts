import { describe, expect, test } from '@jest/globals';

import { operation, type Schema } from '../testing/descriptors.ts';
import type { ParameterDescriptor } from './contract.ts';
import type { FieldError } from './failure.ts';
import { QueryReader, parseCookies, readCookie, readEach, readHeader, readPathParameter } from './parameters.ts';

const color = { type: 'string' };
const array = { type: 'array', items: { type: 'string' } };
const numbers = { type: 'array', items: { type: 'integer' } };
const object = {
  type: 'object',
  properties: { R: { type: 'integer' }, G: { type: 'integer' }, B: { type: 'integer' } },
};

type Location = 'path' | 'query' | 'header' | 'cookie';
function parameter(location: Location, schema: Schema, more: Partial<ParameterDescriptor> = {}): ParameterDescriptor {
  const { style, explode, content } = more;
  const source = {
    in: location,
    name: 'color',
    schema,
    ...(style && { style }),
    ...(explode !== undefined && { explode }),
    ...(content && { content }),
  };
  const { request } = operation({ id: 'x', method: 'GET', path: '/', parameters: [source], responses: {} });
  const groups = { path: request.path, query: request.query, header: request.headers, cookie: request.cookies };
  return groups[location].parameters[0]!;
}

function readQuery(query: string, descriptor: ParameterDescriptor, reserved: string[] = []) {
  const values: Record<string, unknown> = {};
  const errors: FieldError[] = [];
  new QueryReader([descriptor], reserved).read(query, values, errors);
  return { values, errors: errors.map(({ field, message }) => `${field} ${message}`) };
}

describe('query parameters, by the table of OpenAPI 3.1 section 4.8.12.4', () => {
  test.each([
    ['form', true, color, 'color=blue', 'blue'],
    ['form', true, color, 'color=', ''],
    ['form', true, color, 'color', ''],
    ['form', true, color, 'color=a+b%2Bc%20d', 'a b+c d'],
    ['form', true, array, 'color=blue&color=black', ['blue', 'black']],
    ['form', true, array, 'color=blue%2Cgreen', ['blue,green']],
    ['form', false, array, 'color=blue,black', ['blue', 'black']],
    ['form', false, array, 'color=%2C,b', [',', 'b']],
    ['form', false, array, 'color=', []],
    ['form', false, numbers, 'color=1,2', [1, 2]],
    ['form', true, object, 'R=100&G=200', { R: 100, G: 200 }],
    ['form', false, object, 'color=R,100,G,200', { R: 100, G: 200 }],
    ['spaceDelimited', false, array, 'color=blue%20black+brown', ['blue', 'black', 'brown']],
    ['pipeDelimited', false, array, 'color=blue|black%7Cbrown', ['blue', 'black', 'brown']],
    ['pipeDelimited', false, object, 'color=R|100|G|200', { R: 100, G: 200 }],
    ['deepObject', true, object, 'color[R]=100&color[G]=200', { R: 100, G: 200 }],
    ['deepObject', true, object, 'color%5BR%5D=100', { R: 100 }],
  ] as const)('%s explode %s: %#', (style, explode, schema, query, want) => {
    expect(readQuery(query, parameter('query', schema, { style, explode }))).toEqual({
      values: { color: want },
      errors: [],
    });
  });

  test('deepObject reads nested objects and arrays', () => {
    const schema = {
      type: 'object',
      properties: { range: { type: 'object', properties: { min: { type: 'number' } } }, tags: array },
    };
    const deep = parameter('query', schema, { style: 'deepObject' });
    expect(readQuery('color[range][min]=1.5&color[tags][]=a&color[tags][]=b', deep).values).toEqual({
      color: { range: { min: 1.5 }, tags: ['a', 'b'] },
    });
  });

  test('content is parsed as its media type', () => {
    const json = parameter('query', object, { content: 'application/json' });
    expect(readQuery('color=%7B%22R%22%3A1%7D', json).values).toEqual({ color: { R: 1 } });
    expect(readQuery('color=%7B', json).errors).toEqual(['color is not valid JSON']);
  });

  test('values take the type that fits, and stay text where none does', () => {
    const types = (type: string | string[]) => parameter('query', { type });
    expect(readQuery('color=12', types('integer')).values).toEqual({ color: 12 });
    expect(readQuery('color=-1.5e3', types('number')).values).toEqual({ color: -1500 });
    expect(readQuery('color=0x10', types('number')).values).toEqual({ color: '0x10' });
    expect(readQuery('color=', types('number')).values).toEqual({ color: '' });
    expect(readQuery('color=true', types('boolean')).values).toEqual({ color: true });
    expect(readQuery('color=1', types('boolean')).values).toEqual({ color: '1' });
    expect(readQuery('color=null', types(['integer', 'null'])).values).toEqual({ color: null });
    expect(readQuery('color=null', types('string')).values).toEqual({ color: 'null' });
    expect(readQuery('color=', types(['integer', 'null'])).values).toEqual({ color: null });
    expect(readQuery('color=', types(['string', 'null'])).values).toEqual({ color: '' });
    expect(readQuery('color=red', types(['integer', 'null'])).values).toEqual({ color: 'red' });
    expect(readQuery('color=false', types('boolean')).values).toEqual({ color: false });
    expect(readQuery('color=true', types('string')).values).toEqual({ color: 'true' });
    expect(readQuery('color=1.5', types('integer')).values).toEqual({ color: 1.5 });
    expect(readQuery('color=12', types('string')).values).toEqual({ color: '12' });
  });

  test('what nobody asked for, what comes twice and what cannot be decoded is reported by name', () => {
    expect(readQuery('colour=red', parameter('query', color)).errors).toEqual([
      'colour is not a known query parameter',
    ]);
    expect(readQuery('color=a&color=b', parameter('query', color)).errors).toEqual([
      'color must not be given more than once',
    ]);
    expect(readQuery('color=%zz', parameter('query', color)).errors).toEqual(['color is not valid percent-encoding']);
    expect(readQuery('%zz=1', parameter('query', color)).errors).toEqual([' is not valid percent-encoding']);
    expect(readQuery('color[R]=1', parameter('query', color)).errors).toEqual([
      'color[R] is not a known query parameter',
    ]);
    expect(readQuery('color=R,1,G', parameter('query', object, { style: 'form', explode: false })).errors).toEqual([
      'color must be a list of names and values',
    ]);
    expect(readQuery('api_key=x&&', parameter('query', color), ['api_key']).errors).toEqual([]);
    const deep = parameter('query', object, { style: 'deepObject' });
    for (const [query, descriptor] of [
      ['R=1&R=2', parameter('query', object)],
      ['color[R]=1&color[R]=2', deep],
      ['color=R,1&color=R,2', parameter('query', object, { explode: false })],
    ] as const)
      expect(readQuery(query, descriptor).errors).toEqual([
        `${query.slice(0, query.indexOf('='))} must not be given more than once`,
      ]);
    for (const name of ['color', 'color[', 'color[R', '[R]', 'color[R]x', 'colo[R]'])
      expect(readQuery(`${name}=1`, deep).errors).toEqual([`${name} is not a known query parameter`]);
  });

  test('an object in the query takes names that its contract does not have only where it takes any', () => {
    const open = parameter('query', { ...object, additionalProperties: { type: 'integer' } });
    expect(readQuery('R=1&X=2', open)).toEqual({ values: { color: { R: 1, X: 2 } }, errors: [] });
    expect(readQuery('api_key=2', open, ['api_key'])).toEqual({ values: {}, errors: [] });
    expect(readQuery('R=1&X=2', parameter('query', object))).toEqual({
      values: { color: { R: 1 } },
      errors: ['X is not a known query parameter'],
    });
  });

  test.each([
    ['color[R]=1&color[R][min]=2', 'color[R][min]'],
    ['color[none]=null&color[none][min]=2', 'color[none][min]'],
    ['color[tags][]=a&color[tags][x]=b', 'color[tags][x]'],
    ['color[tags][x]=b&color[tags][]=a', 'color[tags][]'],
    ['color[tags][x]=b&color[tags]=a', 'color[tags]'],
  ])('one name for a value and an object is refused: %s', (query, field) => {
    const schema = { type: 'object', properties: { R: { type: 'integer' }, none: { type: 'null' }, tags: array } };
    const deep = parameter('query', schema, { style: 'deepObject' });
    expect(readQuery(query, deep).errors).toEqual([`${field} must not be a value and an object at once`]);
  });

  test('no name reaches a prototype', () => {
    const open = parameter('query', { type: 'object', additionalProperties: { type: 'string' } });
    expect(readQuery('__proto__=x&a=1', open)).toEqual({
      values: { color: { a: '1' } },
      errors: ['__proto__ holds a name that is not allowed'],
    });
    const deep = parameter('query', object, { style: 'deepObject' });
    expect(readQuery('color[__proto__][x]=1', deep).errors).toEqual([
      'color[__proto__][x] holds a name that is not allowed',
    ]);
    expect(({} as { x?: unknown }).x).toBeUndefined();
  });
});

describe('path parameters', () => {
  test.each([
    ['simple', false, color, 'blue', 'blue'],
    ['simple', false, color, 'a%2Fb%20c+d', 'a/b c+d'],
    ['simple', false, array, 'blue,bl%2Cack', ['blue', 'bl,ack']],
    ['simple', false, object, 'R,100,G,200', { R: 100, G: 200 }],
    ['simple', true, object, 'R=100,G=200', { R: 100, G: 200 }],
    ['label', false, color, '.blue', 'blue'],
    ['label', false, array, '.blue,black', ['blue', 'black']],
    ['label', true, array, '.blue.black', ['blue', 'black']],
    ['label', false, object, '.R,100,G,200', { R: 100, G: 200 }],
    ['label', true, object, '.R=100.G=200', { R: 100, G: 200 }],
    ['matrix', false, color, ';color=blue', 'blue'],
    ['matrix', false, color, ';color', ''],
    ['matrix', false, array, ';color=blue,black', ['blue', 'black']],
    ['matrix', true, array, ';color=blue;color=black', ['blue', 'black']],
    ['matrix', false, object, ';color=R,100,G,200', { R: 100, G: 200 }],
    ['matrix', true, object, ';R=100;G=200', { R: 100, G: 200 }],
  ] as const)('%s explode %s: %#', (style, explode, schema, raw, want) => {
    expect(readPathParameter(raw, parameter('path', schema, { style, explode }))).toEqual(want);
  });

  test('a malformed one is reported and left out', () => {
    const errors: FieldError[] = [];
    const label = parameter('path', color, { style: 'label' });
    expect(readEach([label], 'path', errors, (each) => readPathParameter('blue', each))).toEqual({});
    expect(errors).toEqual([{ field: 'color', message: 'must begin with "."', location: 'path' }]);
  });

  test.each([
    ['color=blue', 'must begin with ";"'],
    [';colour=blue', 'must be written as ;color='],
    [';colour', 'must be written as ;color='],
    [';%zz=blue', 'is not valid percent-encoding'],
  ])('a matrix that is written %s is refused', (raw, message) => {
    expect(() => readPathParameter(raw, parameter('path', color, { style: 'matrix' }))).toThrow(message);
  });

  test('an object is a list of names with values, which may be empty', () => {
    expect(readPathParameter('R,100', parameter('path', object))).toEqual({ R: 100 });
    expect(readPathParameter('', parameter('path', object))).toEqual({});
    expect(readPathParameter('.R=1.G', parameter('path', object, { style: 'label', explode: true }))).toEqual({
      R: 1,
      G: '',
    });
    expect(() => readPathParameter('R,100,G', parameter('path', object))).toThrow('must be a list of names and values');
    expect(readPathParameter('%7B%22R%22:1%7D', parameter('path', object, { content: 'application/json' }))).toEqual({
      R: 1,
    });
  });
});

describe('headers and cookies', () => {
  test('headers are of style simple, without percent-encoding', () => {
    expect(readHeader('a%2C , b', parameter('header', array))).toEqual(['a%2C', 'b']);
    expect(readHeader('R=1, G=2', parameter('header', object, { explode: true }))).toEqual({ R: 1, G: 2 });
    expect(readHeader('{"R":1}', parameter('header', object, { content: 'application/json' }))).toEqual({ R: 1 });
    expect(readHeader('7', parameter('header', { type: 'integer' }))).toBe(7);
  });

  test('cookies are decoded, quotes are not part of them, the first of a name counts', () => {
    const cookies = parseCookies('a=1; color="b%20c"; a=2; broken');
    expect([...cookies]).toEqual([
      ['a', '1'],
      ['color', 'b%20c'],
    ]);
    expect(readCookie('b%20c', parameter('cookie', color))).toBe('b c');
    expect(readCookie('1,2', parameter('cookie', numbers, { explode: false }))).toEqual([1, 2]);
    expect(readCookie('%7B%7D', parameter('cookie', object, { content: 'application/json' }))).toEqual({});
  });
});
