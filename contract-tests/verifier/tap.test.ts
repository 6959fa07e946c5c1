import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Tap } from './tap.ts';
import type { Exchange, Verdict, Verifier } from './verifier.ts';

let upstream: Server;
let tap: Tap;
let answer: (request: IncomingMessage, response: ServerResponse) => void;
/** What the tap gave the verifier. */
let verified: Exchange[];
let verdict: Verdict;

const observation = { operation: 'getPet', status: '200', mediaType: 'text/plain' };

beforeEach(async () => {
  verified = [];
  verdict = { violations: [], observation };
  answer = (_request, response) => response.end('ok');
  upstream = createServer((incoming, response) => answer(incoming, response));
  await new Promise<void>((listening) => upstream.listen(0, '127.0.0.1', listening));
  const verify = (exchange: Exchange): Verdict => {
    verified.push(exchange);
    return verdict;
  };
  const { port } = upstream.address() as AddressInfo;
  tap = await Tap.start({ verify } as unknown as Verifier, `http://127.0.0.1:${port}`);
});

afterEach(async () => {
  await tap.close();
  upstream.close();
  upstream.closeAllConnections();
});

test('a request reaches the server as it was sent, and its answer the client; the verifier sees both', async () => {
  let received: unknown;
  answer = (incoming, response) => {
    let body = '';
    incoming.on('data', (chunk) => (body += String(chunk)));
    incoming.on('end', () => {
      received = { method: incoming.method, url: incoming.url, key: incoming.headers['x-key'], body };
      response.writeHead(
        201,
        [
          ['X-Twice', '1'],
          ['X-Twice', '2'],
          ['Content-Type', 'text/plain'],
        ].flat(),
      );
      response.end('made');
    });
  };
  const given = { method: 'POST', body: 'a pet', headers: { 'x-key': 'k' } };
  const response = await fetch(`${tap.url}/pets?a=b`, given);
  expect(received).toEqual({ method: 'POST', url: '/pets?a=b', key: 'k', body: 'a pet' });
  expect([response.status, response.headers.get('x-twice'), await response.text()]).toEqual([201, '1, 2', 'made']);
  const headers = { 'x-twice': ['1', '2'], 'content-type': ['text/plain'] };
  const expected = { method: 'POST', url: '/pets?a=b', status: 201, body: Buffer.from('made'), truncated: false };
  expect(verified).toMatchObject([{ ...expected, headers }]);
});

test('what conforms is an observation and material; the verdict is there before the client has its answer', async () => {
  await (await fetch(tap.url)).text();
  expect(tap.takeViolations()).toEqual([]);
  expect(tap.observations).toEqual([observation]);
  expect(tap.exchanges).toEqual(verified);
});

test.each([[['one']], [['one', 'two']]])(
  'what does not conform is told once, and counts for nothing: %j',
  async (violations) => {
    verdict = { violations, observation };
    await (await fetch(tap.url)).text();
    expect([tap.observations, tap.exchanges]).toEqual([[], []]);
    expect(tap.takeViolations()).toEqual(violations);
    expect(tap.takeViolations()).toEqual([]);
  },
);

test('what no operation of the contract answered is no observation', async () => {
  verdict = { violations: [] };
  await (await fetch(tap.url)).text();
  expect([tap.observations, tap.exchanges]).toEqual([[], []]);
});

test('a client that leaves ends the request to the server; what it had is recorded as a part', async () => {
  let left: (() => void) | undefined;
  const gone = new Promise<void>((resolve) => (left = resolve));
  answer = (_request, response) => {
    response.on('close', () => left!());
    response.write('a part');
  };
  const leaving = request(tap.url, (response) => response.once('data', () => leaving.destroy()));
  leaving.on('error', () => undefined);
  leaving.end();
  await gone;
  expect(verified).toMatchObject([{ body: Buffer.from('a part'), truncated: true }]);
});

test('an answer that breaks off breaks off for the client too, and is recorded as a part', async () => {
  answer = (_request, response) => {
    response.writeHead(200, { 'content-length': '100' });
    response.write('a part', () => setTimeout(() => response.destroy(), 10));
  };
  await expect(fetch(tap.url).then((response) => response.text())).rejects.toThrow();
  expect(verified).toMatchObject([{ body: Buffer.from('a part'), truncated: true }]);
});

test('a server that cannot be reached breaks the connection of the client, and nothing is recorded', async () => {
  upstream.close();
  upstream.closeAllConnections();
  await expect(fetch(tap.url)).rejects.toThrow('fetch failed');
  expect(verified).toEqual([]);
});

test('closing ends connections that are open', async () => {
  answer = (_request, response) => void response.write('a part');
  const response = await fetch(tap.url);
  await tap.close();
  await expect(response.text()).rejects.toThrow();
});

/** Asks for an upgrade, and sends at once what the other side is to have after it. */
async function upgrade(first = 'hello'): Promise<Socket> {
  const socket = connect(Number(new URL(tap.url).port), '127.0.0.1');
  const head = ['GET /ws?a=b HTTP/1.1', 'Host: x', 'Connection: Upgrade', 'Upgrade: websocket', 'X-Key: k'];
  socket.on('error', () => undefined);
  socket.write(`${head.join('\r\n')}\r\n\r\n${first}`);
  return socket;
}

/** Answers upgrades by echoing; resolves with the socket of the first. */
function echoing(): Promise<{ incoming: IncomingMessage; socket: Socket }> {
  return new Promise((resolve) => {
    upstream.on('upgrade', (incoming: IncomingMessage, socket: Socket, head: Buffer) => {
      socket.on('error', () => undefined);
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
      socket.write(head);
      socket.pipe(socket);
      resolve({ incoming, socket });
    });
  });
}

async function readUntil(socket: Socket, wanted: string): Promise<string> {
  let text = '';
  while (!text.includes(wanted)) text += String((await once(socket, 'data'))[0]);
  return text;
}

test('what becomes a WebSocket passes both ways as it is', async () => {
  const upgraded = echoing();
  const socket = await upgrade();
  expect(await readUntil(socket, 'hello')).toMatch(/^HTTP\/1.1 101 /);
  const { incoming } = await upgraded;
  expect([incoming.method, incoming.url, incoming.headers['x-key']]).toEqual(['GET', '/ws?a=b', 'k']);
  socket.write('again');
  await readUntil(socket, 'again');
  socket.destroy();
});

test('a client that leaves its WebSocket leaves it at the server', async () => {
  const upgraded = echoing();
  const socket = await upgrade();
  const { socket: other } = await upgraded;
  const closed = once(other, 'close');
  socket.resetAndDestroy();
  await closed;
});

test('a server that ends a WebSocket ends it for the client', async () => {
  const upgraded = echoing();
  const socket = (await upgrade()).resume();
  const closed = once(socket, 'close');
  (await upgraded).socket.resetAndDestroy();
  await closed;
});

test('an upgrade that reaches no server is closed', async () => {
  upstream.close();
  upstream.closeAllConnections();
  await once(await upgrade(), 'close');
});
