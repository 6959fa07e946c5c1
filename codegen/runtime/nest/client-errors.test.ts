import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';

import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { FastifyInstance } from 'fastify';

import { onClientError } from './client-errors.ts';
import type { RequestFailure } from './failure.ts';

let server: Server;
let failures: RequestFailure[];
const clients: Socket[] = [];

beforeEach(async () => {
  failures = [];
  server = createServer((request, response) => {
    if (request.url === '/begun') response.write('begun');
    else
      request
        .resume()
        .on('end', () => response.end('ok'))
        .on('error', () => undefined);
  });
  server.on('clientError', () => {
    throw new Error('The answer of Fastify itself is replaced.');
  });
  onClientError({ server } as unknown as FastifyInstance, (failure, _request, response) => {
    failures.push(failure);
    response.writeHead(400, { 'content-type': 'text/plain' }).end(failure.message);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
});

afterEach(() => {
  for (const client of clients.splice(0)) client.destroy();
  server.close();
  server.closeAllConnections();
});

function send(text: string): Socket {
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  clients.push(socket);
  socket.on('error', () => undefined).write(text);
  return socket;
}

async function answer(text: string): Promise<string> {
  let received = '';
  for await (const chunk of send(text)) received += String(chunk);
  return received;
}

const details = { errors: [] };

test('what is no HTTP is answered, and the connection closed', async () => {
  expect(await answer('hello\r\n\r\n')).toMatch(
    /^HTTP\/1.1 400 [^]*connection: close[^]*The request is not valid HTTP.$/i,
  );
  expect(failures).toMatchObject([{ kind: 'validation', details, cause: { code: expect.stringMatching(/^HPE_/) } }]);
});

test('headers that are too large are told apart', async () => {
  const sent = `GET / HTTP/1.1\r\nHost: x\r\nX-A: ${'a'.repeat(40_000)}\r\n\r\n`;
  expect(await answer(sent)).toMatch(/The headers of the request are too large.$/);
});

test('a request that takes too long is told apart', async () => {
  const socket = send('');
  const [accepted] = (await once(server, 'connection')) as [Socket];
  server.emit('clientError', Object.assign(new Error('slow'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' }), accepted);
  let received = '';
  for await (const chunk of socket) received += String(chunk);
  expect(received).toMatch(/The request took too long to arrive.$/);
});

test('a broken body is answered while the request itself waits for it', async () => {
  const chunked = 'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n';
  expect(await answer(chunked)).toMatch(/^HTTP\/1.1 400 /);
});

test('a connection on which an answer has begun is cut off without another', async () => {
  const text = 'POST /begun HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n';
  const socket = send(text);
  let received = '';
  socket.on('data', (chunk: Buffer) => (received += chunk.toString()));
  while (!received.includes('begun')) await once(socket, 'data');
  socket.write('zz\r\n');
  await once(socket, 'close');
  expect(received).not.toContain('400');
  expect(failures).toEqual([]);
});

test.each([
  ['was reset', Object.assign(new Error('reset'), { code: 'ECONNRESET' }), true],
  ['cannot be written to', new Error('other'), false],
])('a connection that %s is closed without an answer', (_name, error, writable) => {
  let destroyed = 0;
  const socket = { writable, destroy: () => (destroyed += 1) };
  server.emit('clientError', error, socket as unknown as Socket);
  expect([destroyed, failures]).toEqual([1, []]);
});
