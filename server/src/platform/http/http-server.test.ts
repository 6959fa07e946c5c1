import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { startTestServer, type TestServer } from '../../../test/app.ts';
import { createTestDatabase, type TestDatabase } from '../../../test/database.ts';
import { until } from '../../../test/until.ts';
import type { Settings } from '../config/config.ts';

const live = 'GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n';
let database: TestDatabase;
let server: TestServer;
const clients: Client[] = [];

/** A connection to the server, and all that came over it. */
class Client {
  text = '';
  closed = false;
  readonly socket: Socket;

  constructor(localAddress = '127.0.0.1') {
    this.socket = connect({ port: Number(new URL(server.url).port), host: '127.0.0.1', localAddress });
    this.socket.on('data', (data) => (this.text += String(data)));
    // One that is refused ends with a reset when something was sent already.
    this.socket.on('error', () => undefined);
    this.socket.on('close', () => (this.closed = true));
    clients.push(this);
  }

  /** Whether a request is answered; false when the connection is closed instead. */
  async isServed(): Promise<boolean> {
    this.text = '';
    this.socket.write(live);
    await until(() => this.closed || this.text.includes('"ok"'));
    return this.text.includes('HTTP/1.1 200');
  }

  async close(): Promise<void> {
    if (!this.closed) await once(this.socket.destroy(), 'close');
  }
}

async function start(settings: Partial<Settings>): Promise<void> {
  server = await startTestServer({ database, settings });
}

beforeAll(async () => {
  database = await createTestDatabase();
});
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
});
afterAll(() => database.drop());

const metric = async (name: string): Promise<number> => {
  const line = (await server.metrics()).split('\n').find((text) => text.startsWith(`flowpact_${name}`));
  return Number(line?.split(' ').at(-1) ?? 0);
};

async function opened(count: number, localAddress?: string): Promise<Client[]> {
  const made = Array.from({ length: count }, () => new Client(localAddress));
  for (const client of made) expect(await client.isServed()).toBe(true);
  return made;
}

describe('where all may have four connections, one address three, and a request one second', () => {
  beforeAll(() => start({ MAX_CONNECTIONS: 4, MAX_CONNECTIONS_PER_ADDRESS: 3, REQUEST_TIMEOUT: 1 }));
  beforeEach(() => until(async () => (await metric('http_connections ')) === 0));
  afterAll(() => server.close());

  test('a connection beyond those of all is closed at once and counted; one that ends makes room', async () => {
    const [first] = await opened(3, '127.0.0.2');
    await opened(1, '127.0.0.3');
    expect(await new Client('127.0.0.3').isServed()).toBe(false);
    expect(await metric('http_connections_refused_total{bound="all"}')).toBe(1);
    expect(await metric('http_connections ')).toBe(4);
    await first!.close();
    await until(async () => (await metric('http_connections ')) === 3);
    await opened(1, '127.0.0.3');
  });

  test('a connection beyond those of an address is closed at once and counted; another address is served', async () => {
    const [first] = await opened(3, '127.0.0.2');
    expect(await new Client('127.0.0.2').isServed()).toBe(false);
    expect(await metric('http_connections_refused_total{bound="address"}')).toBe(1);
    await opened(1, '127.0.0.3');
    await first!.close();
    await until(async () => (await metric('http_connections ')) === 3);
    await opened(1, '127.0.0.2');
  });

  test.each([
    ['nothing', ''],
    ['a part of the head', 'GET /health/live HTTP/1.1\r\nHost: loc'],
    [
      'a part of the body',
      'POST /v1/auth/login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{',
    ],
  ])('a client that sends %s and no more is cut off', async (_, text) => {
    const client = new Client();
    client.socket.write(text);
    await until(() => client.closed, { within: 20_000 });
    expect(client.text).toContain('The request took too long to arrive.');
  });

  test('a client that sends its head byte by byte is cut off too', async () => {
    const client = new Client();
    client.socket.write('GET /health/live HTTP/1.1\r\nHost: localhost\r\nX-Slow: ');
    for (let sent = 0; !client.closed && sent < 200; sent += 1) {
      client.socket.write('x');
      await sleep(100);
    }
    expect(client.closed).toBe(true);
  });
});

describe('behind a proxy that is believed', () => {
  beforeAll(() => start({ MAX_CONNECTIONS_PER_ADDRESS: 1, TRUST_PROXY: 1 }));
  afterAll(() => server.close());

  test('its address has as many connections as all', async () => {
    await opened(3);
  });
});
