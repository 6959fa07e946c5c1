import { createServer, type Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { OutgoingHttpError, type OutgoingRequest } from '../../domain/nodes/index.ts';
import { AddressPolicy } from './address-policy.ts';
import type { Resolve } from './guarded-connector.ts';
import { UndiciOutgoingHttp } from './undici-outgoing-http.ts';

// Every way to write an address that leads back into the network, against listeners that would answer. PORT is theirs.

/** Written forms of addresses of this machine. A plain connection reaches the listener by each of them. */
const ownForms: readonly [what: string, host: string][] = [
  ['dotted', '127.0.0.1'],
  ['another of the loopback network', '127.45.67.89'],
  ['decimal', '2130706433'],
  ['octal', '0177.0.0.1'],
  ['octal in one', '017700000001'],
  ['hexadecimal', '0x7f.0.0.1'],
  ['hexadecimal in one', '0x7f000001'],
  ['two parts', '127.1'],
  ['three parts', '127.0.1'],
  ['mixed bases', '0x7f.0.01'],
  ['unspecified', '0.0.0.0'],
  ['unspecified in one', '0'],
  ['IPv6 loopback', '[::1]'],
  ['IPv6 unspecified', '[::]'],
  ['IPv6 loopback in full', '[0:0:0:0:0:0:0:1]'],
  ['IPv4 in IPv6', '[::ffff:127.0.0.1]'],
  ['IPv4 in IPv6, hexadecimal', '[::ffff:7f00:1]'],
  ['a name', 'localhost'],
  ['full-width digits', '１２７.０.０.１'],
  ['ideographic dots', '127。0。0。1'],
  ['percent-encoded', '%31%32%37.0.0.1'],
];

/** Addresses of others that no call may reach. */
const foreignForms: readonly [what: string, host: string][] = [
  ['private 10', '10.0.0.1'],
  ['private 172.16', '172.16.0.1'],
  ['private 192.168', '192.168.0.1'],
  ['carrier-grade NAT', '100.64.0.1'],
  ['link-local', '169.254.1.1'],
  ['metadata', '169.254.169.254'],
  ['metadata, decimal', '2852039166'],
  ['metadata, hexadecimal', '0xa9fea9fe'],
  ['metadata, octal', '0251.0376.0251.0376'],
  ['metadata of Alibaba', '100.100.100.200'],
  ['metadata of Oracle', '192.0.0.192'],
  ['metadata of EC2, IPv6', '[fd00:ec2::254]'],
  ['IPv4 in IPv6', '[::ffff:169.254.169.254]'],
  ['IPv4-compatible', '[::169.254.169.254]'],
  ['IPv4-translated', '[::ffff:0:169.254.169.254]'],
  ['NAT64', '[64:ff9b::a9fe:a9fe]'],
  ['local NAT64', '[64:ff9b:1::a9fe:a9fe]'],
  ['6to4', '[2002:a9fe:a9fe::1]'],
  ['Teredo', '[2001:0:4136:e378:8000:63bf:3fff:fdd2]'],
  ['IPv6 link-local', '[fe80::1]'],
  ['IPv6 unique local', '[fc00::1]'],
  ['IPv6 multicast', '[ff02::1]'],
  ['multicast', '224.0.0.1'],
  ['broadcast', '255.255.255.255'],
  ['reserved', '240.0.0.1'],
  ['benchmarking', '198.18.0.1'],
];

let listeners: Server[];
let port: number;
/** Of the listener that calls may reach. */
let firstPort: number;
/** What reached a listener, as `address path`. */
const reached: string[] = [];

async function listen(host: string, at: number): Promise<Server> {
  const server = createServer((request, response) => {
    reached.push(`${request.socket.localAddress} ${request.url}`);
    const target = /^\/to\?(.*)$/.exec(request.url!)?.[1];
    response.setHeader('connection', 'close');
    if (target !== undefined) response.writeHead(302, { location: decodeURIComponent(target) });
    response.end('internal');
  });
  await new Promise<void>((done, failed) =>
    server.once('error', failed).listen({ port: at, host, ipv6Only: true }, done),
  );
  return server;
}

let guarded: UndiciOutgoingHttp;
beforeAll(async () => {
  const first = await listen('0.0.0.0', 0);
  ({ port } = first.address() as AddressInfo);
  const allowed = await listen('127.0.0.1', 0);
  firstPort = (allowed.address() as AddressInfo).port;
  listeners = [first, await listen('::', port), allowed];
  guarded = new UndiciOutgoingHttp([]);
});
afterAll(async () => {
  await guarded.close();
  for (const listener of listeners) {
    listener.closeAllConnections();
    await new Promise((closed) => listener.close(closed));
  }
});
beforeEach(() => {
  reached.length = 0;
});

const request = (url: string, more: Partial<OutgoingRequest> = {}): OutgoingRequest => ({
  method: 'GET',
  url: new URL(url),
  headers: {},
  timeout: 5_000,
  redirects: 0,
  maxBytes: 1_000,
  ...more,
});

async function reasonOf(sent: OutgoingRequest, by = guarded): Promise<string> {
  const answer = await by.send(sent).catch((error: unknown) => error);
  return answer instanceof OutgoingHttpError ? answer.reason : `answered ${(answer as { status: number }).status}`;
}

test.each(ownForms)('refused: %s (%s), where an unguarded call gets an answer', async (_, host) => {
  const { hostname } = new URL(`http://${host}:${port}/`);
  await new Promise<void>((opened, failed) => {
    const socket = connect({ host: hostname.replace(/^\[|\]$/g, ''), port }, () => {
      socket.destroy();
      opened();
    });
    socket.once('error', failed);
  });
  expect(await reasonOf(request(`http://${host}:${port}/`))).toBe('refused_address');
  expect(reached).toEqual([]);
});

test.each(foreignForms)('refused: %s (%s)', async (_, host) => {
  expect(await reasonOf(request(`http://${host}:${port}/`))).toBe('refused_address');
  expect(await reasonOf(request(`https://${host}/`))).toBe('refused_address');
});

test.each([...ownForms, ...foreignForms])('known before a call: %s (%s)', (_, host) => {
  const policy = new AddressPolicy([]);
  expect(policy.refuses(new URL(`http://${host}/`).hostname, 80)).toBe(true);
  expect(policy.refuses(host.replace(/^\[|\]$/g, ''), 25)).toBe(true);
});

describe('redirects', () => {
  // A header has no letters beyond ASCII.
  const forms = [...ownForms, ...foreignForms].filter(([, host]) => /^[\x20-\x7e]+$/.test(host));

  test.each(forms)('to %s (%s) are refused', async (_, host) => {
    // The first hop is allowed, which says nothing of the second.
    const start = new UndiciOutgoingHttp([`127.0.0.1:${firstPort}`]);
    const target = encodeURIComponent(`http://${host}:${port}/second`);
    expect(await reasonOf(request(`http://127.0.0.1:${firstPort}/to?${target}`, { redirects: 3 }), start)).toBe(
      'refused_address',
    );
    expect(reached).toEqual([expect.stringMatching(/ \/to\?/)]);
    await start.close();
  });
});

describe('names', () => {
  const answering =
    (...answers: string[][]): Resolve =>
    (_name, _options, callback) => {
      const addresses = answers.length > 1 ? answers.shift()! : answers[0]!;
      callback(
        null,
        addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
      );
    };

  test.each([...ownForms, ...foreignForms].filter(([, host]) => /^[\d.]+$|^\[/.test(host)))(
    'that resolve to %s (%s) are refused',
    async (_, host) => {
      const address = new URL(`http://${host}/`).hostname.replace(/^\[|\]$/g, '');
      const by = new UndiciOutgoingHttp([], answering([address]));
      expect(await reasonOf(request(`http://innocent.example:${port}/`), by)).toBe('refused_address');
      expect(reached).toEqual([]);
      await by.close();
    },
  );

  test('whose answer changes between judging and connecting are connected to what was judged', async () => {
    // Only 127.0.0.2 is allowed; the second answer is for whoever would ask again before connecting.
    const by = new UndiciOutgoingHttp(['127.0.0.2/32'], answering(['127.0.0.2'], ['127.0.0.1']));
    expect(await reasonOf(request(`http://rebound.example:${port}/first`), by)).toBe('answered 200');
    expect(reached).toEqual([expect.stringMatching(/127\.0\.0\.2 \/first$/)]);
    expect(await reasonOf(request(`http://rebound.example:${port}/second`), by)).toBe('refused_address');
    expect(reached).toHaveLength(1);
    await by.close();
  });

  test('with a public and a private address are never connected to the private one', async () => {
    const by = new UndiciOutgoingHttp(['127.0.0.2/32'], answering(['10.0.0.1', '127.0.0.2', '127.0.0.1']));
    expect(await reasonOf(request(`http://mixed.example:${port}/`), by)).toBe('answered 200');
    expect(reached).toEqual([expect.stringMatching(/127\.0\.0\.2 \/$/)]);
    await by.close();
  });
});
