import { expect, test } from '@jest/globals';

import { isSimple, nestPath, pathExpression, routerPath } from './route-path.ts';

test.each([
  ['/v1/pets', true, '/v1/pets', '/v1/pets'],
  ['/pets/{pet_id}/toys/{toy_id}', true, '/pets/:pet_id/toys/:toy_id', '/pets/:p1/toys/:p2'],
  ['/pets/{pet-id}', true, '/pets/:pet_2did', '/pets/:p1'],
  ['/pets/{id}:cancel', false, '/pets/:_7bid_7d_3acancel', '/pets/:p1([^/]+?)::cancel'],
  ['/{a}.{b}', false, '/:_7ba_7d_2e_7bb_7d', '/:p1([^/]+?).:p2([^/]+?)'],
  ['/a:b', false, '/a_3ab', '/a::b'],
] as const)('%s', (template, simple, nest, router) => {
  expect([isSimple(template), nestPath(template), routerPath(template)]).toEqual([simple, nest, router]);
});

test('the raw text of parameters is found in a path', () => {
  const { expression, names } = pathExpression('/a/{x}:run/{y}.json');
  expect(names).toEqual(['x', 'y']);
  expect(expression.exec('/a/1%3A2:run/b.c.json')?.slice(1)).toEqual(['1%3A2', 'b.c']);
  expect(expression.test('/a/1/b.json')).toBe(false);
});
