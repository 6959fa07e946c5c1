import { resolve } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  Controller,
  createParamDecorator,
  Injectable,
  UseGuards,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';

import { generate } from '../../../src/generate.ts';
import { differences } from '../../../src/write.ts';
import {
  principalOf,
  type ContractModuleOptions,
  type IdempotencyOutcome,
  type Principal,
  type ServerSentEvent,
  type StoredResponse,
} from '../../nest/index.ts';
import { start, type RunningApplication } from '../application.ts';
import config from './flowpact.config.ts';
import * as contract from './generated/index.ts';

/** An application of another contract: generated code, the runtime, and everything an application brings to them. */

interface Reader extends Principal {
  readonly name: string;
}
const CurrentReader = createParamDecorator((_: unknown, context: ExecutionContext) =>
  principalOf<Reader>(context.switchToHttp().getRequest()),
);

class IsbnTakenError extends Error {
  readonly code = 'isbn_taken';
}
class NoSuchBookError extends Error {
  readonly code = 'no_such_book';
}

/** A row has more than the contract shows. */
interface Row extends contract.Book {
  readonly purchasePrice: number;
}

@Injectable()
class Shelves {
  readonly rows = new Map<string, Row>([
    ['001', { isbn: '001', title: 'Dune', year: 1965, purchasePrice: 9, shelf: 'A' }],
  ]);

  get(isbn: string): Row {
    const row = this.rows.get(isbn);
    if (row === undefined) throw new NoSuchBookError(`There is no book ${isbn}.`);
    return row;
  }
}

@Injectable()
class NobodyRemoves implements CanActivate {
  canActivate(): boolean {
    return false;
  }
}

@Controller()
class BooksController implements contract.BooksController {
  private readonly shelves: Shelves;

  constructor(shelves: Shelves) {
    this.shelves = shelves;
  }

  @contract.ListBooks()
  async listBooks({ query }: contract.ListBooks.Request): Promise<contract.ListBooks.Response> {
    const rows = [...this.shelves.rows.values()].filter(
      ({ year }) => query.filter?.year === undefined || query.filter.year === year,
    );
    return contract.ListBooks.respond(200, { books: rows.slice(0, query.limit) });
  }

  @contract.CreateBook()
  async createBook(
    request: contract.CreateBook.Request,
    @CurrentReader() reader: Reader,
  ): Promise<contract.CreateBook.Response> {
    const book: contract.BookInput =
      request.contentType === 'application/yaml'
        ? (Object.fromEntries(request.body.split('\n').map((line) => line.split(': '))) as contract.BookInput)
        : request.body;
    if (this.shelves.rows.has(book.isbn)) throw new IsbnTakenError(`There is a book ${book.isbn}.`);
    const row = { ...book, purchasePrice: 5, shelf: reader.name };
    this.shelves.rows.set(book.isbn, row);
    return contract.CreateBook.respond(201, { book: row }, { Location: `/books/${book.isbn}` });
  }

  @contract.GetBook()
  async getBook({ path, accept }: contract.GetBook.Request): Promise<contract.GetBook.Response> {
    const row = this.shelves.get(path.isbn);
    return accept === 'application/yaml'
      ? contract.GetBook.respondAs(200, accept, `isbn: "${row.isbn}"\n`)
      : contract.GetBook.respondAs(200, 'application/json', row);
  }

  @UseGuards(NobodyRemoves)
  @contract.RemoveBook()
  async removeBook({ path }: contract.RemoveBook.Request): Promise<contract.RemoveBook.Response> {
    this.shelves.rows.delete(path.isbn);
    return contract.RemoveBook.respond(204);
  }

  @contract.WatchBook()
  async watchBook({ headers }: contract.WatchBook.Request): Promise<contract.WatchBook.Response> {
    async function* loans(): AsyncGenerator<ServerSentEvent<contract.Loan>> {
      for (let number = (headers['Last-Event-ID'] ?? 0) + 1; number <= 3; number += 1) {
        yield { id: number, event: 'loan', data: { number } };
      }
    }
    return contract.WatchBook.respond(200, loans());
  }
}

const stored = new Map<string, { fingerprint: string; response: StoredResponse }>();
const options: ContractModuleOptions = {
  contracts: [
    {
      descriptor: contract.contract,
      errors: {
        bodies: {
          'application/json': ({ code, message, details }) => ({ code, text: message, errors: details['errors'] }),
          'application/problem+json': ({ code, message, details }) => ({
            code,
            text: message,
            errors: details['errors'],
          }),
        },
      },
      supply: { info: ({ requestId }) => ({ request: requestId }) },
    },
  ],
  authenticators: {
    ReaderKey: {
      authenticate: ({ value }): Reader | undefined =>
        ({ ann: { name: 'Ann', scopes: ['books:read', 'books:write'] }, bob: { name: 'Bob', scopes: ['books:read'] } })[
          value
        ],
    },
    Token: {
      authenticate: async ({ value }): Promise<Reader | undefined> =>
        value === 'good' ? { name: 'Token', scopes: ['books:read'] } : undefined,
    },
  },
  rateLimiter: { consume: ({ rateLimitClass }) => ({ allowed: true, headers: { 'X-Class': rateLimitClass ?? '' } }) },
  idempotency: {
    header: 'Once-Key',
    store: {
      async run({ key, fingerprint }, execute): Promise<IdempotencyOutcome> {
        const earlier = stored.get(key);
        if (earlier?.fingerprint === fingerprint) return { kind: 'replayed', response: earlier.response };
        if (earlier !== undefined) return { kind: 'mismatch' };
        const response = await execute();
        stored.set(key, { fingerprint, response });
        return { kind: 'executed', response };
      },
    },
  },
  codes: {
    validation: 'bad_request',
    unauthenticated: 'unknown_reader',
    insufficient_scope: 'not_yours',
    forbidden: 'not_yours',
    not_found: 'no_such_book',
    payload_too_large: 'too_large',
    rate_limited: 'slow_down',
    idempotency_in_flight: 'still_running',
  },
  throwableCodes: ['isbn_taken', 'no_such_book'],
  responseValidation: 'log',
  checkEvery: 1,
};

let running: RunningApplication;
const invalid: string[] = [];
beforeAll(async () => {
  running = await start(
    [BooksController],
    {
      ...options,
      observer: {
        invalidResponse: (problems) => invalid.push(...problems),
        unexpectedError: (error) => invalid.push(String(error)),
      },
    },
    { providers: [Shelves] },
  );
});
afterAll(async () => {
  await running.close();
  expect(invalid).toEqual([]);
});

const ann = { 'x-reader': 'ann', 'content-type': 'application/json', 'x-request-id': 'r1' };
async function send(method: string, path: string, headers: Record<string, string> = ann, body?: string) {
  const response = await running.fetch(path, { method, headers, ...(body !== undefined && { body }) });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    text,
    body: text.startsWith('{') ? (JSON.parse(text) as unknown) : undefined,
  };
}

test('the generated code is what the generator prints', async () => {
  const [output] = await generate(config, resolve(import.meta.dirname));
  expect(await differences(output!)).toEqual([]);
});

describe('an application of another contract', () => {
  test('200: shows what the contract declares and supplies what the application need not', async () => {
    const { status, body, headers } = await send('GET', '/books?filter[year]=1965&limit=1');
    expect([status, body]).toEqual([
      200,
      { books: [{ isbn: '001', title: 'Dune', year: 1965, shelf: 'A' }], info: { request: 'r1' } },
    ]);
    expect(headers.get('x-class')).toBe('reading');
  });

  test('201: writes what it was sent, but not what only the server writes, and repeats itself for the same key', async () => {
    const book = JSON.stringify({ isbn: '002', title: 'Emma', note: 'torn' });
    const first = await send('POST', '/books', { ...ann, 'once-key': 'a' }, book);
    expect([first.status, first.headers.get('location'), first.body]).toEqual([
      201,
      '/books/002',
      { book: { isbn: '002', title: 'Emma', shelf: 'Ann' }, info: { request: 'r1' } },
    ]);
    const second = await send('POST', '/books', { ...ann, 'once-key': 'a', 'x-request-id': 'r2' }, book);
    expect([second.status, second.headers.get('idempotent-replayed'), second.body]).toEqual([
      201,
      'true',
      { book: { isbn: '002', title: 'Emma', shelf: 'Ann' }, info: { request: 'r2' } },
    ]);
    expect((await send('POST', '/books', { ...ann, 'once-key': 'a' }, '{"isbn":"003","title":"x"}')).status).toBe(422);
    expect(await send('POST', '/books', ann, book)).toMatchObject({ status: 409, body: { code: 'isbn_taken' } });
    expect(
      (await send('POST', '/books', { ...ann, 'content-type': 'application/yaml' }, 'isbn: 004\ntitle: Ulysses'))
        .status,
    ).toBe(201);
  });

  test('400, 401, 403, 404, 413: in the shape and with the codes of its contract', async () => {
    expect(await send('POST', '/books', ann, '{"title":""}')).toMatchObject({
      status: 400,
      body: {
        code: 'bad_request',
        errors: [
          { field: 'isbn', message: 'is required', location: 'body' },
          { field: 'title', message: 'must not be empty', location: 'body' },
        ],
      },
    });
    expect(await send('GET', '/books', {})).toMatchObject({ status: 401, body: { code: 'unknown_reader' } });
    expect(await send('GET', '/books', { authorization: 'Bearer good' })).toMatchObject({ status: 200 });
    expect(await send('POST', '/books', { ...ann, 'x-reader': 'bob' }, '{}')).toMatchObject({
      status: 403,
      body: { code: 'not_yours' },
    });
    expect(await send('GET', '/books/999')).toMatchObject({
      status: 404,
      body: { code: 'no_such_book', text: 'There is no book 999.' },
    });
    expect(await send('POST', '/books', ann, `"${'x'.repeat(5000)}"`)).toMatchObject({
      status: 413,
      body: { code: 'too_large' },
    });
    const problem = await send('GET', '/books/abc', { accept: 'application/json, application/problem+json' });
    expect([problem.status, problem.headers.get('content-type')]).toEqual([
      400,
      'application/problem+json; charset=utf-8',
    ]);
  });

  test('403: the application’s own guard', async () => {
    expect(await send('DELETE', '/books/001')).toMatchObject({ status: 403, body: { code: 'not_yours' } });
    expect((await send('GET', '/books/001')).status).toBe(200);
  });

  test('200: the media type that the client wants, and that the operation will go', async () => {
    const { text, headers } = await send('GET', '/books/001', { accept: 'application/yaml' });
    expect([text, headers.get('content-type')]).toEqual(['isbn: "001"\n', 'application/yaml; charset=utf-8']);
    expect([headers.get('deprecation'), headers.get('sunset')]).toEqual([
      '@1767225600',
      'Fri, 01 Jan 2027 00:00:00 GMT',
    ]);
  });

  test('200: a stream of events, from where the client left', async () => {
    const { text } = await send('GET', '/books/001:watch', { 'last-event-id': '1' });
    expect(text).toBe(
      ': connected\n\nid: 2\nevent: loan\ndata: {"number":2}\n\nid: 3\nevent: loan\ndata: {"number":3}\n\n',
    );
  });
});
