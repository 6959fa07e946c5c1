import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Controller } from '@nestjs/common';

import { errors, start, type RunningApplication } from '../testing/application.ts';
import { contract, operation } from '../testing/descriptors.ts';
import { defineOperation, type OperationRequest } from './index.ts';

const error = {
  type: 'object',
  properties: { code: { type: 'string' }, message: { type: 'string' }, details: { type: 'object' } },
  required: ['code', 'message', 'details'],
};
const failure = { content: { 'application/json': error } };
const book = {
  type: 'object',
  properties: {
    id: { type: 'string' },
    title: { type: 'string', minLength: 1 },
    pages: { type: 'integer', minimum: 1 },
  },
  required: ['id', 'title'],
};

const getBook = operation({
  id: 'getBook',
  method: 'GET',
  path: '/books/{book_id}',
  parameters: [{ in: 'path', name: 'book_id', schema: { type: 'string', pattern: '^b\\d+$' } }],
  responses: { 200: { content: { 'application/json': book } }, 400: failure, 404: failure },
  errors: { invalid: 400, book_not_found: 404 },
});
const createBook = operation({
  id: 'createBook',
  method: 'POST',
  path: '/books',
  body: {
    content: {
      'application/json': {
        type: 'object',
        properties: { title: { type: 'string', minLength: 1 }, pages: { type: 'integer', minimum: 1 } },
        required: ['title'],
        additionalProperties: false,
      },
    },
  },
  responses: {
    201: {
      content: { 'application/json': book },
      headers: { Location: { schema: { type: 'string' }, required: true } },
    },
    400: failure,
  },
  errors: { invalid: 400 },
});

type AnyResponse =
  | { readonly status: 200; readonly body: unknown }
  | { readonly status: 201; readonly body: unknown; readonly headers: { Location: string } };
const GetBook = defineOperation<OperationRequest, AnyResponse>(getBook);
const CreateBook = defineOperation<OperationRequest, AnyResponse>(createBook);

@Controller()
class Books {
  @GetBook()
  async getBook({ path }: OperationRequest): Promise<AnyResponse> {
    if (path['book_id'] === 'b404')
      throw Object.assign(new Error('There is no such book.'), { code: 'book_not_found', details: { id: 'b404' } });
    if (path['book_id'] === 'b500') throw Object.assign(new Error('secret'), { code: 'ECONNREFUSED' });
    return GetBook.respond(200, { id: path['book_id'], title: 'Dune' });
  }

  @CreateBook()
  async createBook({ body }: OperationRequest): Promise<AnyResponse> {
    return CreateBook.respond(201, { id: 'b1', ...(body as object) }, { Location: '/books/b1' });
  }
}

let running: RunningApplication;
beforeAll(async () => {
  running = await start([Books], {
    contracts: [{ descriptor: contract('library', [getBook, createBook]), errors }],
    codes: { validation: 'invalid' },
    observer: { unexpectedError: () => undefined },
  });
});
afterAll(() => running.close());

const post = (body: unknown, headers: Record<string, string> = { 'content-type': 'application/json' }) =>
  running.fetch('/books', { method: 'POST', headers, body: typeof body === 'string' ? body : JSON.stringify(body) });

describe('a request', () => {
  test('200: reaches the method decoded, and its response the client', async () => {
    const response = await running.fetch('/books/b7');
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(await response.json()).toEqual({ id: 'b7', title: 'Dune' });
  });

  test('201: with a body and a header', async () => {
    const response = await post({ title: 'Emma', pages: 400 });
    expect(response.status).toBe(201);
    expect(response.headers.get('location')).toBe('/books/b1');
    expect(await response.json()).toEqual({ id: 'b1', title: 'Emma', pages: 400 });
  });

  test('400: everything that is wrong is listed, for people', async () => {
    const response = await post({ pages: 0, colour: 'red' });
    expect(response.status).toBe(400);
    expect(await response.json()).toEqual({
      code: 'invalid',
      message: 'title is required (and 2 more problems).',
      details: {
        errors: [
          { field: 'title', message: 'is required', location: 'body' },
          { field: 'colour', message: 'is not a known field', location: 'body' },
          { field: 'pages', message: 'must be at least 1', location: 'body' },
        ],
      },
    });
  });

  test('404 and 500: a declared code has its status, an undeclared one tells nothing', async () => {
    const missing = await running.fetch('/books/b404');
    expect([missing.status, await missing.json()]).toEqual([
      404,
      { code: 'book_not_found', message: 'There is no such book.', details: { id: 'b404' } },
    ]);
    const broken = await running.fetch('/books/b500');
    expect([broken.status, await broken.json()]).toEqual([
      500,
      { code: 'internal', message: 'An unexpected error occurred.', details: {} },
    ]);
  });

  test('404 and 405: unknown paths and methods are answered in the same shape', async () => {
    const path = await running.fetch('/nothing');
    expect([path.status, ((await path.json()) as { code: string }).code]).toEqual([404, 'not_found']);
    expect(path.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    const method = await running.fetch('/books/b1', { method: 'DELETE' });
    expect([method.status, method.headers.get('allow')]).toEqual([405, 'GET, HEAD, OPTIONS']);
  });
});
