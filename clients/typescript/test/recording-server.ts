import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One request as it came over the wire. */
export interface Recorded {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

type Answer = (response: ServerResponse, request: Recorded) => unknown;

export interface RecordingServer {
  readonly url: string;
  readonly requests: readonly Recorded[];
  /** Answers for the next requests, in order; the last one stays. */
  answer(...answers: Answer[]): void;
  close(): Promise<void>;
}

/** A real HTTP server on a free port that keeps what it was sent. */
export async function startRecordingServer(): Promise<RecordingServer> {
  const requests: Recorded[] = [];
  let answers: Answer[] = [json(200, { data: null })];
  const server = createServer((incoming, response) => {
    void read(incoming).then((request) => {
      requests.push(request);
      const answer = answers.length > 1 ? answers.shift()! : answers[0]!;
      return answer(response, request);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    answer: (...next) => {
      answers = next;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function read(incoming: IncomingMessage): Promise<Recorded> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return {
    method: incoming.method!,
    url: incoming.url!,
    headers: incoming.headers,
    body: Buffer.concat(chunks).toString('utf8'),
  };
}

export function json(status: number, body: unknown, headers: Record<string, string> = {}): Answer {
  return (response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(JSON.stringify(body));
  };
}

/** Breaks the connection without an answer. */
export const hangUp: Answer = (response) => {
  response.socket!.destroy();
};

/** Sends the text as an event stream, then closes it or breaks the connection. */
export function events(text: string, end: 'close' | 'break' | 'stay' = 'close'): Answer {
  return (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(text, () => {
      if (end === 'close') response.end();
      else if (end === 'break') setTimeout(() => response.socket!.destroy(), 20);
    });
  };
}
