import { APIPromise } from './api-promise.ts';
import type { Client } from './client.ts';
import { FlowpactError } from './errors.ts';
import type { CallInput, Operation, PaginationWire, RequestOptions } from './operation.ts';
import type { Result } from './response.ts';

interface PageRequest {
  readonly client: Client;
  readonly operation: Operation;
  readonly input: CallInput;
  readonly options: RequestOptions;
}

/** One page of a list; iterating it gives its items and those of every page after it. */
export class Page<Item, Pagination = Record<string, unknown>> implements AsyncIterable<Item> {
  readonly data: readonly Item[];
  readonly pagination: Pagination;
  readonly #request: PageRequest;

  constructor(data: readonly Item[], pagination: Pagination, request: PageRequest) {
    this.data = data;
    this.pagination = pagination;
    this.#request = request;
  }

  hasNextPage(): boolean {
    return this.#nextParameters() !== undefined;
  }

  /** Fetches the page after this one; throws where `hasNextPage()` is false. */
  getNextPage(): PagePromise<Item, Pagination> {
    const params = this.#nextParameters();
    if (params === undefined) throw new FlowpactError('there is no further page; ask hasNextPage() first');
    const { client, operation, input, options } = this.#request;
    return client.list<Item, Pagination>(operation, { ...input, params }, options);
  }

  /** This page and all after it. */
  async *pages(): AsyncGenerator<Page<Item, Pagination>, void, undefined> {
    yield this;
    for (let page = await this.#following(); page !== undefined; page = await page.#following()) yield page;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Item, void, undefined> {
    for await (const page of this.pages()) yield* page.data;
  }

  async #following(): Promise<Page<Item, Pagination> | undefined> {
    return this.hasNextPage() ? await this.getNextPage() : undefined;
  }

  #nextParameters(): Record<string, unknown> | undefined {
    const wire = this.#request.client.wire.pagination;
    const params = { ...(this.#request.input.params as Record<string, unknown> | undefined) };
    return nextParameters(wire, params, (this.pagination ?? {}) as Record<string, unknown>);
  }
}

/** A cursor wins over a page number: it loses and doubles nothing while rows come and go. */
function nextParameters(
  wire: PaginationWire,
  params: Record<string, unknown>,
  pagination: Record<string, unknown>,
): Record<string, unknown> | undefined {
  const cursor = pagination[wire.cursor.next];
  if (typeof cursor === 'string' && cursor !== '') {
    const { [wire.page.parameter]: _page, ...rest } = params;
    return { ...rest, [wire.cursor.parameter]: cursor };
  }
  const current = pagination[wire.page.current];
  if (pagination[wire.page.hasNext] !== true || typeof current !== 'number') return undefined;
  return { ...params, [wire.page.parameter]: current + 1 };
}

/** The promise of a page, which can also be iterated at once: `for await (const item of client.things.list())`. */
export class PagePromise<Item, Pagination = Record<string, unknown>>
  extends APIPromise<Page<Item, Pagination>>
  implements AsyncIterable<Item>
{
  constructor(result: Promise<Result<unknown>>, request: PageRequest) {
    super(result.then((answer) => toPage<Item, Pagination>(answer, request)));
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Item, void, undefined> {
    yield* await this;
  }

  /** Every page, one at a time. */
  async *pages(): AsyncGenerator<Page<Item, Pagination>, void, undefined> {
    yield* (await this).pages();
  }
}

function toPage<Item, Pagination>(answer: Result<unknown>, request: PageRequest): Result<Page<Item, Pagination>> {
  const pagination = answer.envelope?.[request.client.wire.pagination.property] as Pagination;
  const items = (answer.data ?? []) as readonly Item[];
  return { ...answer, data: new Page<Item, Pagination>(items, pagination, request) };
}
