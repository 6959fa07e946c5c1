import { EventEmitter } from 'node:events';
import type { Server } from 'node:http';
import { describe, expect, test } from '@jest/globals';
import { Metrics } from '../telemetry/metrics.ts';
import { boundedServers } from './http-server.ts';

const settings = {
  REQUEST_TIMEOUT: 30,
  MAX_CONNECTIONS: 3,
  MAX_CONNECTIONS_PER_ADDRESS: 2,
  TRUST_PROXY: false,
} as const;

/** A connection that nobody has made. */
class FakeSocket extends EventEmitter {
  isDestroyed = false;
  constructor(readonly remoteAddress: string | undefined) {
    super();
  }
  destroy(): void {
    this.isDestroyed = true;
  }
}

function connect(server: Server, address: string | undefined): FakeSocket {
  // Without what Node itself does with a connection.
  const listeners = server.listeners('connection');
  const socket = new FakeSocket(address);
  (listeners.at(-1) as (socket: FakeSocket) => void).call(server, socket);
  return socket;
}

test.each([
  [30, 30_000, 30_000],
  [60, 60_000, 60_000],
  [300, 300_000, 60_000],
])('a request has %i seconds (%i ms), of which its head has %i ms', (REQUEST_TIMEOUT, request, head) => {
  const server = boundedServers({ ...settings, REQUEST_TIMEOUT }, new Metrics())(() => undefined);
  expect([server.requestTimeout, server.headersTimeout, server.keepAliveTimeout]).toEqual([request, head, 72_000]);
});

describe('connections', () => {
  const value = async (metrics: Metrics, name: string): Promise<number> =>
    Number((await metrics.text()).split('\n').find((line) => line.startsWith(`flowpact_http_connections${name}`))?.split(' ').at(-1) ?? 0); // prettier-ignore

  test('are as many as all may have, and as one address may; one that is closed makes room for one', async () => {
    const metrics = new Metrics();
    const server = boundedServers(settings, metrics)(() => undefined);
    const [first, second] = [connect(server, '192.0.2.1'), connect(server, '192.0.2.1')];
    expect([first.isDestroyed, second.isDestroyed]).toEqual([false, false]);
    expect(connect(server, '192.0.2.1').isDestroyed).toBe(true);
    expect(connect(server, '192.0.2.2').isDestroyed).toBe(false);
    expect(connect(server, '192.0.2.3').isDestroyed).toBe(true);
    expect([await value(metrics, '_refused_total{bound="address"}'), await value(metrics, '_refused_total{bound="all"}')]).toEqual([1, 1]); // prettier-ignore
    expect(await value(metrics, ' ')).toBe(3);
    first.emit('close');
    first.emit('close');
    expect(await value(metrics, ' ')).toBe(2);
    expect(connect(server, '192.0.2.1').isDestroyed).toBe(false);
    expect(connect(server, '192.0.2.1').isDestroyed).toBe(true);
  });

  test('of one server on several addresses are counted together', () => {
    const make = boundedServers({ ...settings, MAX_CONNECTIONS: 1 }, new Metrics());
    const [one, other] = [make(() => undefined), make(() => undefined)];
    expect(connect(one, '192.0.2.1').isDestroyed).toBe(false);
    expect(connect(other, '192.0.2.2').isDestroyed).toBe(true);
  });

  test('of an address are not counted where all clients come from proxies; those of IPv6 by their network', () => {
    const proxied = boundedServers({ ...settings, TRUST_PROXY: 1 }, new Metrics())(() => undefined);
    for (let count = 0; count < 3; count++) expect(connect(proxied, '192.0.2.1').isDestroyed).toBe(false);
    const direct = boundedServers(settings, new Metrics())(() => undefined);
    connect(direct, '2001:db8::1');
    connect(direct, '2001:db8::2');
    expect(connect(direct, '2001:db8::3').isDestroyed).toBe(true);
    expect(connect(direct, undefined).isDestroyed).toBe(false);
  });
});
