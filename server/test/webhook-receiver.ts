import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { until } from './until.ts';

/** A message as it arrived. */
export interface ReceivedMessage {
  readonly headers: Record<string, string>;
  readonly body: string;
  readonly event: { id: string; type: string; timestamp: string; data: Record<string, unknown> };
}

/** Answers one message: a status, with headers or a body if wanted. */
export type Answer = (message: ReceivedMessage) => number | { status: number; headers?: object; body?: string };

/** A server that webhooks are sent to. */
export class WebhookReceiver {
  readonly messages: ReceivedMessage[] = [];
  answer: Answer = () => 204;
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk) => (body += String(chunk)));
      request.on('end', () => {
        const message = {
          headers: request.headers as Record<string, string>,
          body,
          event: JSON.parse(body) as ReceivedMessage['event'],
        };
        this.messages.push(message);
        const answer = this.answer(message);
        const { status, headers, body: text } = typeof answer === 'number' ? { status: answer } : { ...answer };
        response.writeHead(status, { ...headers }).end(text);
      });
    });
  }

  static async start(): Promise<WebhookReceiver> {
    const receiver = new WebhookReceiver();
    await new Promise<void>((resolve) => receiver.#server.listen(0, '127.0.0.1', resolve));
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/hook`;
  }

  /** The messages of one type so far, once there are `count`. */
  async received(type: string, count = 1): Promise<ReceivedMessage[]> {
    const found = (): ReceivedMessage[] => this.messages.filter(({ event }) => event.type === type);
    return until(() => found().length >= count && found(), {
      seen: () => this.messages.map(({ event }) => event.type),
    });
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
