import { expect, test } from '@jest/globals';

import { essence, findMediaType, negotiate, negotiateError, Negotiator } from './media-type.ts';

const json = 'application/json';
const problem = 'application/problem+json';
const yaml = 'application/yaml';

test.each([
  [undefined, [json, yaml], json],
  ['*/*', [json, yaml], json],
  ['', [json], json],
  [yaml, [json, yaml], yaml],
  ['Application/YAML; charset=utf-8', [json, yaml], yaml],
  ['application/json;q=0.5, application/yaml', [json, yaml], yaml],
  ['application/*', [json, yaml], json],
  ['application/*;q=0.8, application/json;q=0.1', [json, yaml], yaml],
  ['text/html, */*;q=0.1', [json], json],
  ['application/json;q=0', [json], undefined],
  ['application/json;q=0, */*', [json, yaml], yaml],
  ['text/html', [json], undefined],
  ['application/json, application/problem+json', [json, problem], json],
  [problem, [json, problem], problem],
] as const)('Accept %s of %j is %s', (accept, available, want) => {
  expect(negotiate(accept, available)).toBe(want);
  expect(new Negotiator(available).choose(accept)).toBe(want);
});

test.each([
  ['application/json; charset=utf-8', [json], json],
  ['application/problem+json', [json], undefined],
  ['image/png', ['image/*', 'image/png'], 'image/png'],
  ['image/png', ['*/*', 'image/*'], 'image/*'],
  ['text/plain', ['image/*'], undefined],
] as const)('content type %s of %j is %s', (contentType, declared, want) => {
  expect(findMediaType(declared, contentType)).toBe(want);
});

test.each([
  ['application/json, application/problem+json', problem],
  ['application/json, application/problem+json;q=0.5', json],
  ['application/json;q=0.5, application/problem+json;q=0.5', problem],
  ['application/problem+json', problem],
  ['*/*', json],
  ['application/*', json],
  ['text/html', undefined],
  [undefined, json],
] as const)('an error for Accept %s is %s', (accept, want) => {
  expect(negotiateError(accept, [json, problem])).toBe(want);
});

test.each([
  ['application/json;q=0.9, application/yaml;q=0.91', yaml],
  ['application/json; Q = 0.1 , application/yaml;level=1;q=0.2', yaml],
  ['application/json;q=1, application/yaml', json],
  ['application/yaml, application/json;q=1', json],
  ['application/json, application/yaml;q=.', json],
  // A weight that is no number counts as none.
  ['application/json;q=., application/yaml;q=0.9', json],
  ['application/json, application/yaml;q=0', json],
  ['application/json;q=0.5, application/yaml;q=0.5', json],
] as const)('Accept %s prefers %s', (accept, want) => {
  expect(negotiate(accept, [json, yaml])).toBe(want);
});

test('a media type that is declared with a parameter is found without it, and */* takes the rest', () => {
  expect(findMediaType(['text/csv; header=present'], 'text/csv')).toBe('text/csv; header=present');
  expect(findMediaType(['image/*', '*/*'], 'text/csv')).toBe('*/*');
  expect([essence('Text/CSV ; a=b'), essence('text/csv')]).toEqual(['text/csv', 'text/csv']);
});

test('answers are remembered, two hundred of them', () => {
  let asked = 0;
  const negotiator = new Negotiator([json], (accept) => {
    asked += 1;
    return accept === 'none' ? undefined : json;
  });
  for (const accept of ['a', 'a', 'none', 'none', undefined, '*/*']) negotiator.choose(accept);
  expect(asked).toBe(2);
  expect(negotiator.choose('none')).toBeUndefined();
  for (let count = 2; count < 200; count += 1) negotiator.choose(`type/${count}`);
  negotiator.choose('type/199');
  expect(asked).toBe(200);
  negotiator.choose('one more');
  expect(negotiator.choose('one more')).toBe(json);
  expect(asked).toBe(202);
});
