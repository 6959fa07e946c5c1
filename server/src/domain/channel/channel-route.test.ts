import { expect, test } from '@jest/globals';
import { type ChannelRoute, matchRoute } from './channel-route.ts';

const given = ['GET /', 'GET /a/{x}', 'GET /a/b', 'POST /{x}/b', 'PUT /a/{x}/c/{y}', 'GET /{x}/{y}', 'GET /{x}/b'];
const routes = given.map((text): ChannelRoute => {
  const [method, path] = text.split(' ') as [ChannelRoute['method'], string];
  return { method, path, workflow_id: text, response_mode: 'sync', timeout_seconds: 1 };
});

test.each([
  ['GET', '', 'GET /', {}],
  ['GET', 'a/b', 'GET /a/b', {}],
  ['GET', 'a/other', 'GET /a/{x}', { x: 'other' }],
  ['POST', 'a/b', 'POST /{x}/b', { x: 'a' }],
  ['GET', 'z/b', 'GET /{x}/b', { x: 'z' }],
  ['GET', 'z/z', 'GET /{x}/{y}', { x: 'z', y: 'z' }],
  ['PUT', 'a/1/c/2', 'PUT /a/{x}/c/{y}', { x: '1', y: '2' }],
])('%s /%s goes to %s', (method, path, want, params) => {
  const { matched } = matchRoute(routes, method, path.split('/'));
  expect(matched).toMatchObject({ route: { workflow_id: want }, params });
});

test.each([
  ['GET', 'a', []],
  ['GET', 'a/', []],
  ['GET', 'a/b/', []],
  ['DELETE', 'a/b', ['GET', 'POST']],
])('%s /%s goes nowhere, though the path takes %j', (method, path, allowed) => {
  expect(matchRoute(routes, method, path.split('/'))).toEqual({ allowed });
});
