import { EventEmitter } from 'node:events';

import { expect, test } from '@jest/globals';
import type { FastifyReply, FastifyRequest } from 'fastify';

import { contract } from '../testing/descriptors.ts';
import { contextKey, contextOf, findContext, findPrincipal, principalOf, RequestContext } from './request-context.ts';

function contextWith(raw: object): RequestContext {
  const request = { id: 'req-1' } as FastifyRequest;
  return new RequestContext(request, { raw } as unknown as FastifyReply, contract('c', []), undefined);
}

/** A response of Node, as far as the context looks at it. */
const response = (more: object = {}): EventEmitter & { writableFinished: boolean } =>
  Object.assign(new EventEmitter(), { destroyed: false, writableFinished: false, ...more });

test('the signal fires when the client leaves before the response is complete', () => {
  const raw = response();
  const { signal } = contextWith(raw);
  expect(signal.aborted).toBe(false);
  raw.emit('close');
  expect(signal.aborted).toBe(true);
});

test('it does not when the response is complete', () => {
  const raw = response();
  const { signal } = contextWith(raw);
  raw.writableFinished = true;
  raw.emit('close');
  expect(signal.aborted).toBe(false);
});

test('it has fired where the client has left before anybody asked; it is the same each time', () => {
  const context = contextWith(response({ destroyed: true }));
  expect(context.signal.aborted).toBe(true);
  expect(context.signal).toBe(context.signal);
});

test('a request has its context, and who calls', () => {
  const context = contextWith(response());
  const request = { [contextKey]: context };
  expect([findContext(request), contextOf(request), context.requestId]).toEqual([context, context, 'req-1']);
  expect(findPrincipal(request)).toBeUndefined();
  expect(() => principalOf(request)).toThrow('Nobody was authenticated for this request: the operation is public.');
  context.principal = { id: 'ann' } as never;
  expect(principalOf(request)).toBe(context.principal);
  expect(findPrincipal(request)).toBe(context.principal);
});

test('a request outside every contract has neither', () => {
  expect([findContext({}), findPrincipal({})]).toEqual([undefined, undefined]);
  expect(() => contextOf({})).toThrow('This request belongs to no contract');
  expect(() => principalOf({})).toThrow('Nobody was authenticated');
});
