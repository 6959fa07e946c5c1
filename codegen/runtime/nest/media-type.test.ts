import { expect, test } from '@jest/globals';

import { findMediaType, negotiate, Negotiator } from './media-type.ts';

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
