import { Agent, request } from 'undici';

interface Answer {
  readonly data: { readonly id: string; readonly status?: string; readonly error?: unknown };
}

/** One organisation as its client sees the server: over HTTP, with a key. */
export class Tenant {
  readonly #url: string;
  readonly #apiKey: string;
  readonly #agent = new Agent({ headersTimeout: 0, bodyTimeout: 0, pipelining: 1 });

  constructor(url: string, apiKey: string) {
    this.#url = url;
    this.#apiKey = apiKey;
  }

  /** The body of the answer; throws for a refusal. */
  async call<T = Answer>(method: 'GET' | 'POST', path: string, body?: unknown): Promise<T> {
    const { statusCode, text } = await this.raw(method, this.#url + path, body);
    if (statusCode >= 300) throw new Error(`${method} ${path} answers ${statusCode}: ${text.slice(0, 500)}`);
    return JSON.parse(text) as T;
  }

  /** Status and text of an answer, whatever it is. */
  async raw(method: 'GET' | 'POST', url: string, body?: unknown): Promise<{ statusCode: number; text: string }> {
    const { statusCode, body: answer } = await request(url, {
      method,
      dispatcher: this.#agent,
      headers: { 'x-api-key': this.#apiKey, ...(body !== undefined && { 'content-type': 'application/json' }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    return { statusCode, text: await answer.text() };
  }

  /** Makes and publishes a workflow; its id. */
  async publish(definition: unknown): Promise<string> {
    const { data } = await this.call('POST', '/v1/workflows', { name: 'Tenancy', definition });
    await this.call('POST', `/v1/workflows/${data.id}/publish`, {});
    return data.id;
  }

  /** Starts an execution; its id. */
  async start(workflowId: string, input: unknown = {}): Promise<string> {
    return (await this.call('POST', `/v1/workflows/${workflowId}/execute`, { input })).data.id;
  }

  /** Executes a workflow from the request to its completion. */
  async execute(workflowId: string, input: unknown = {}): Promise<void> {
    const { data } = await this.call('POST', `/v1/workflows/${workflowId}/execute?wait=60s`, { input });
    if (data.status !== 'completed') throw new Error(`The execution is ${data.status}: ${JSON.stringify(data.error)}`);
  }

  /** Follows the events of an execution until they end or the signal fires. */
  async follow(executionId: string, signal?: AbortSignal): Promise<void> {
    const { statusCode, body } = await request(`${this.#url}/v1/executions/${executionId}/events`, {
      dispatcher: this.#agent,
      headers: { 'x-api-key': this.#apiKey, accept: 'text/event-stream' },
      ...(signal && { signal }),
    });
    if (statusCode !== 200) throw new Error(`The stream answers ${statusCode}: ${await body.text()}`);
    for await (const _ of body);
  }

  /** An inbound URL of the workflow. */
  async hook(workflowId: string, respond: 'immediately' | 'last_node'): Promise<string> {
    const config = { kind: 'webhook', methods: ['POST'], auth: { type: 'none' }, respond };
    const { data } = await this.call<{ data: { trigger: { url: string } } }>('POST', '/v1/triggers', {
      workflow_id: workflowId,
      name: 'Tenancy',
      config,
    });
    return this.#url + new URL(data.trigger.url).pathname;
  }

  /** Whether the execution has not ended. An organisation that has all its connections waiting for one another is told so by a 503. */
  async isOpen(executionId: string): Promise<boolean> {
    const { statusCode, text } = await this.raw('GET', `${this.#url}/v1/executions/${executionId}`);
    if (statusCode === 503) return true;
    const { data } = JSON.parse(text) as Answer;
    return !['completed', 'failed', 'cancelled'].includes(data.status!);
  }

  async cancel(executionId: string): Promise<void> {
    await this.raw('POST', `${this.#url}/v1/executions/${executionId}/cancel`, {});
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }
}
