import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { operations, wire } from '../../test/pets-contract.ts';
import { json, type RecordingServer, startRecordingServer } from '../../test/recording-server.ts';
import { Client, FlowpactError, NotFoundError, type PagePromise } from './index.ts';

let server: RecordingServer;

beforeEach(async () => {
  server = await startRecordingServer();
});

afterEach(() => server.close());

const page = (data: number[], pagination: Record<string, unknown>): ReturnType<typeof json> =>
  json(200, { data, pagination, meta: { request_id: 'r' } });

function list(params: Record<string, unknown> = {}): PagePromise<number> {
  return new Client({ baseUrl: server.url, apiKey: 'key' }, wire).list(operations.listPets, { params });
}

async function all<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const seen: Item[] = [];
  for await (const item of items) seen.push(item);
  return seen;
}

const numbered = (): void =>
  server.answer(
    page([1, 2], { page: 1, has_next: true }),
    page([3, 4], { page: 2, has_next: true }),
    page([5], { page: 3, has_next: false }),
  );

test('awaited, a list is its first page', async () => {
  numbered();
  const first = await list({ status: 'new' });
  expect(first.data).toEqual([1, 2]);
  expect(first.pagination).toEqual({ page: 1, has_next: true });
  expect(server.requests).toHaveLength(1);
});

test('iterated, it is every item of every page, with the filters kept', async () => {
  numbered();
  expect(await all(list({ status: 'new' }))).toEqual([1, 2, 3, 4, 5]);
  expect(server.requests.map((request) => request.url)).toEqual([
    '/v1/pets?status=new',
    '/v1/pets?status=new&page=2',
    '/v1/pets?status=new&page=3',
  ]);
});

test('an awaited page can be iterated from where it is', async () => {
  numbered();
  const second = await (await list()).getNextPage();
  expect(await all(second)).toEqual([3, 4, 5]);
});

test('a cursor is followed, and the page number left out', async () => {
  server.answer(
    page([1], { page: 1, has_next: true, next_cursor: 'c=1', has_more: true }),
    page([2], { next_cursor: null, has_more: false }),
  );
  expect(await all(list({ page: 1 }))).toEqual([1, 2]);
  expect(server.requests.map((request) => request.url)).toEqual(['/v1/pets?page=1', '/v1/pets?cursor=c%3D1']);
});

test('pages come one at a time', async () => {
  numbered();
  for await (const { data } of list().pages()) {
    if (data.includes(3)) break;
  }
  expect(server.requests).toHaveLength(2);
});

test('withResponse gives the page and its answer', async () => {
  numbered();
  const { data, response, envelope } = await list().withResponse();
  expect(data.data).toEqual([1, 2]);
  expect(response.status).toBe(200);
  expect(envelope.meta).toEqual({ request_id: 'r' });
});

test('getNextPage on the last page is an error', async () => {
  server.answer(page([], { page: 1, has_next: false }));
  const last = await list();
  expect(last.hasNextPage()).toBe(false);
  expect(() => last.getNextPage()).toThrow(FlowpactError);
});

test.each([
  ['no pagination', {}],
  ['nothing in it', { pagination: {} }],
  ['no number of the page', { pagination: { has_next: true } }],
  ['no word of a next page', { pagination: { page: 1 } }],
  ['an empty cursor', { pagination: { next_cursor: '' } }],
])('an answer with %s is the last page', async (_name, envelope) => {
  server.answer(json(200, { data: [1], ...envelope }));
  const only = await list();
  expect(only.hasNextPage()).toBe(false);
  expect(await all(only)).toEqual([1]);
});

test('an answer without items is an empty page', async () => {
  server.answer(json(200, { pagination: { page: 1, has_next: false } }));
  expect((await list()).data).toEqual([]);
});

test('options and path of the first page are those of the next', async () => {
  numbered();
  const options = { headers: { 'x-mine': 'yes' } };
  const given = new Client({ baseUrl: server.url }, wire).list(operations.listPets, {}, options);
  expect(await all(given)).toEqual([1, 2, 3, 4, 5]);
  expect(server.requests.map(({ headers }) => headers['x-mine'])).toEqual(['yes', 'yes', 'yes']);
});

test('an error on a later page reaches the loop', async () => {
  server.answer(page([1], { page: 1, has_next: true }), json(404, { error: { code: 'resource_not_found' } }));
  await expect(all(list())).rejects.toThrow(NotFoundError);
});
