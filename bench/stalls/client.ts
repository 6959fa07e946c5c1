import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { request } from 'undici';
import { WebSocket } from 'ws';

interface Made {
  readonly id: string;
  readonly slug: string;
  readonly url: string;
}

/** What is made is in the answer itself or under a name of its own. */
interface Answer {
  readonly data: Made & { readonly channel?: Made; readonly trigger?: Made };
}

/** The organisation whose values are large: what it sees of an answer is how many megabytes it has. */
export class Client {
  readonly #url: string;
  readonly #apiKey: string;

  constructor(url: string, apiKey: string) {
    this.#url = url;
    this.#apiKey = apiKey;
  }

  /** What a request makes; throws for a refusal. The body is JSON already. */
  async make(path: string, body: string): Promise<Made> {
    const { status, text } = await this.#send('POST', path, body);
    if (status >= 300) throw new Error(`${path} answers ${status}: ${text.slice(0, 500)}`);
    const { data } = JSON.parse(text) as Answer;
    return data.channel ?? data.trigger ?? data;
  }

  /** Sends a request and says what came back. */
  async ask(method: 'GET' | 'POST' | 'PUT', path: string, body?: string, headers = {}): Promise<string> {
    const { status, text } = await this.#send(method, path, body, headers);
    return `${status}, ${megabytes(text.length)}`;
  }

  /** Makes and publishes a workflow; its id. */
  async publish(nodes: readonly object[]): Promise<string> {
    const edges = nodes
      .slice(1)
      .map((_, index) => ({ id: `e${index}`, from: idOf(nodes[index]!), to: idOf(nodes[index + 1]!) }));
    const definition = { nodes, edges: edges.map((edge) => ({ ...edge, port: 'default' })) };
    const { id } = await this.make('/v1/workflows', JSON.stringify({ name: 'Stalls', definition }));
    await this.make(`/v1/workflows/${id}/publish`, '{}');
    return id;
  }

  /** Executes a workflow to its end; the id of the execution. */
  async execute(workflowId: string, input = '{}'): Promise<string> {
    const { id } = await this.make(`/v1/workflows/${workflowId}/execute`, `{"input":${input}}`);
    await this.end(id);
    return id;
  }

  /** How an execution ended, without reading what it made. */
  async end(id: string): Promise<string> {
    while (await this.#isListed(id, 'pending,running,waiting')) await sleep(50);
    return (await this.#isListed(id, 'completed')) ? 'completed' : 'failed';
  }

  async #isListed(id: string, statuses: string): Promise<boolean> {
    const { text } = await this.#send('GET', `/v1/executions?status=${statuses}&per_page=20`);
    return (JSON.parse(text) as { data: { id: string }[] }).data.some((one) => one.id === id);
  }

  follow(executionId: string): Promise<string> {
    return this.ask('GET', `/v1/executions/${executionId}/events`, undefined, { accept: 'text/event-stream' });
  }

  async followBySocket(executionId: string): Promise<string> {
    const url = `${this.#url.replace('http', 'ws')}/ws/executions/${executionId}`;
    const socket = new WebSocket(url, { headers: { 'x-api-key': this.#apiKey }, maxPayload: 1e9 });
    let bytes = 0;
    socket.on('message', (data: Buffer) => (bytes += data.length));
    await once(socket, 'close');
    return megabytes(bytes);
  }

  /** The path of an inbound URL of the workflow. */
  async hook(workflowId: string, respond: 'immediately' | 'last_node' | 'respond_node'): Promise<string> {
    const config = { kind: 'webhook', methods: ['POST'], auth: { type: 'none' }, respond };
    const { url } = await this.make(
      '/v1/triggers',
      JSON.stringify({ workflow_id: workflowId, name: 'Stalls', config }),
    );
    return new URL(url).pathname;
  }

  async #send(
    method: 'GET' | 'POST' | 'PUT',
    path: string,
    body?: string,
    headers = {},
  ): Promise<{ status: number; text: string }> {
    const answer = await request(this.#url + path, {
      method,
      headers: {
        'x-api-key': this.#apiKey,
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body }),
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    return { status: answer.statusCode, text: await answer.body.text() };
  }
}

function idOf(node: object): string {
  return (node as { id: string }).id;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
