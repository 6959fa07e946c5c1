import type { Result } from './response.ts';

export interface WithResponse<Data> {
  readonly data: Data;
  /** The raw answer; its body has been read. */
  readonly response: Response;
  readonly requestId: string | undefined;
  /** What the envelope said beside the result; empty where the answer had none. */
  readonly envelope: Readonly<Record<string, unknown>>;
}

/** The promise of a call's result, which can also tell the answer it came in. The call is already under way. */
export class APIPromise<Data> implements Promise<Data> {
  readonly [Symbol.toStringTag] = 'APIPromise';
  readonly #result: Promise<Result<Data>>;

  constructor(result: Promise<Result<Data>>) {
    this.#result = result;
  }

  async withResponse(): Promise<WithResponse<Data>> {
    const { data, envelope, response, requestId } = await this.#result;
    return { data, response, requestId, envelope: envelope ?? {} };
  }

  // oxlint-disable-next-line unicorn/no-thenable -- it is a promise
  then<Fulfilled = Data, Rejected = never>(
    onFulfilled?: ((value: Data) => Fulfilled | PromiseLike<Fulfilled>) | null,
    onRejected?: ((reason: unknown) => Rejected | PromiseLike<Rejected>) | null,
  ): Promise<Fulfilled | Rejected> {
    return this.#data().then(onFulfilled, onRejected);
  }

  catch<Rejected = never>(
    onRejected?: ((reason: unknown) => Rejected | PromiseLike<Rejected>) | null,
  ): Promise<Data | Rejected> {
    return this.then(undefined, onRejected);
  }

  finally(onFinally?: (() => void) | null): Promise<Data> {
    return this.#data().finally(onFinally);
  }

  async #data(): Promise<Data> {
    return (await this.#result).data;
  }
}
