import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { buildConnector } from 'undici';
import { until } from '../../../test/until.ts';
import { AddressPolicy } from './address-policy.ts';
import { filteredLookup, guardedConnector, RefusedAddressError, type Resolve } from './guarded-connector.ts';
import { guardedSocket } from './guarded-socket.ts';

/** Takes connections and keeps them until the other side closes. */
let server: Server;
let port: number;
const taken: Socket[] = [];
const closed = (): number => taken.filter((socket) => socket.destroyed).length;

beforeAll(async () => {
  server = createServer((socket) => {
    taken.push(socket);
    socket.on('error', () => undefined).resume();
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  ({ port } = server.address() as AddressInfo);
});
afterEach(() => {
  for (const socket of taken.splice(0)) socket.destroy();
});
afterAll(() => new Promise((ended) => server.close(ended)));

/** Names that have these addresses, the next ones at each look-up, and how often they were looked up. */
function names(...answers: string[][]): { resolve: Resolve; lookups: string[] } {
  const lookups: string[] = [];
  const resolve: Resolve = (hostname, _, callback) => {
    const addresses = answers[Math.min(lookups.push(hostname), answers.length) - 1]!;
    callback(
      null,
      addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    );
  };
  return { resolve, lookups };
}

/** A policy that judges addresses as told, in turn, and says what it was asked. */
class ToldPolicy extends AddressPolicy {
  readonly asked: string[] = [];
  readonly #answers: boolean[];

  constructor(...answers: boolean[]) {
    super([]);
    this.#answers = answers;
  }

  override allowsAddress(text: string): boolean {
    return this.#answers[this.asked.push(text) - 1]!;
  }
}

const loopback = new AddressPolicy(['127.0.0.0/8']);

describe('the addresses of a name', () => {
  const look = (answers: string[], options: { all?: boolean } = {}): Promise<unknown> =>
    new Promise((found) =>
      filteredLookup(new AddressPolicy([]), names(answers).resolve)('a.example', options, (...answer) => found(answer)),
    );
  const v4 = (address: string): object => ({ address, family: 4 });

  test.each<[addresses: string[], allowed: object[]]>([
    [['93.184.216.34'], [v4('93.184.216.34')]],
    [['10.0.0.1', '93.184.216.34'], [v4('93.184.216.34')]],
    [
      ['93.184.216.34', '10.0.0.1', '8.8.8.8'],
      [v4('93.184.216.34'), v4('8.8.8.8')],
    ],
    [['::1', '2606:4700:4700::1111'], [{ address: '2606:4700:4700::1111', family: 6 }]],
  ])('of %j the public ones are left', async (addresses, allowed) => {
    expect(await look(addresses, { all: true })).toEqual([null, allowed]);
  });

  test('one is asked for: the first that is public', async () => {
    expect(await look(['10.0.0.1', '2606:4700:4700::1111', '8.8.8.8'])).toEqual([null, '2606:4700:4700::1111', 6]);
  });

  test.each([[[]], [['10.0.0.1']], [['127.0.0.1', '::1']]])('%j: the name is refused', async (addresses) => {
    for (const all of [true, false])
      expect(await look(addresses, { all })).toEqual([expect.any(RefusedAddressError), '']);
  });

  test('a name that is not found says so', async () => {
    const notFound = Object.assign(new Error('no'), { code: 'ENOTFOUND' });
    const lookup = filteredLookup(loopback, (_, __, callback) => callback(notFound, []));
    expect(await new Promise((found) => lookup('a.example', {}, (...answer) => found(answer)))).toEqual([notFound, '']);
  });

  test('all addresses are asked for, also where one is wanted', async () => {
    const asked: unknown[] = [];
    const lookup = filteredLookup(loopback, (_, options, callback) => (asked.push(options), callback(null, [])));
    await new Promise((found) => lookup('a.example', { all: false, family: 4 }, (...answer) => found(answer)));
    expect(asked).toEqual([{ all: true, family: 4 }]);
  });
});

type Opened = [error: Error | null, socket: Socket | null];

const byConnector = (policy: AddressPolicy, resolve: Resolve, host: string): Promise<Opened> =>
  new Promise((opened) =>
    guardedConnector(
      policy,
      5_000,
      resolve,
    )({ hostname: host, protocol: 'http:', port: String(port) } as buildConnector.Options, (...[error, socket]) =>
      opened([error, socket]),
    ),
  );

const bySocket = (policy: AddressPolicy, resolve: Resolve, host: string): Promise<Opened> =>
  guardedSocket(policy, resolve, { host, port, signal: new AbortController().signal }).then(
    (socket): Opened => [null, socket],
    (error: Error): Opened => [error, null],
  );

describe.each([
  ['the connector of HTTP', byConnector],
  ['the socket of mail', bySocket],
])('%s', (_, open) => {
  const refused = (host: string): Opened => [new RefusedAddressError(host), null];

  test('goes to the address that was judged: the name is resolved once', async () => {
    const { resolve, lookups } = names(['10.0.0.1', '127.0.0.1'], ['10.0.0.1']);
    const [error, socket] = await open(loopback, resolve, 'rebound.example');
    expect([error, socket?.remoteAddress, lookups]).toEqual([null, '127.0.0.1', ['rebound.example']]);
    socket!.destroy();
  });

  test('a name is judged at each connection anew', async () => {
    const { resolve } = names(['127.0.0.1'], ['10.0.0.1']);
    const [, socket] = await open(loopback, resolve, 'rebound.example');
    socket!.destroy();
    expect(await open(loopback, resolve, 'rebound.example')).toEqual(refused('rebound.example'));
    await until(() => taken.length === 1);
  });

  test('the address in an URL is judged before anything is sent, whatever is found of the peer', async () => {
    const policy = new ToldPolicy(false, true);
    expect(await open(policy, names([]).resolve, '127.0.0.1')).toEqual(refused('127.0.0.1'));
    expect([policy.asked, taken]).toEqual([['127.0.0.1'], []]);
  });

  test('the peer of an open socket is judged again, and a refused one is closed', async () => {
    const policy = new ToldPolicy(true, false);
    expect(await open(policy, names(['127.0.0.1']).resolve, 'rebound.example')).toEqual(refused('rebound.example'));
    expect(policy.asked).toEqual(['127.0.0.1', '127.0.0.1']);
    await until(() => closed() === 1);
  });

  test('the peer of an address that was allowed is judged too', async () => {
    const policy = new ToldPolicy(true, false);
    expect(await open(policy, names([]).resolve, '127.0.0.1')).toEqual(refused('127.0.0.1'));
    await until(() => closed() === 1);
  });

  test('a host that the operator lists is not judged, with this port only', async () => {
    const { resolve, lookups } = names(['10.0.0.1']);
    const listed = new AddressPolicy([`127.0.0.1:${port}`, `localhost:${port}`, 'other.example:1']);
    const [error, socket] = await open(listed, resolve, 'localhost');
    expect([error, lookups]).toEqual([null, []]);
    socket!.destroy();
    const [, byAddress] = await open(listed, resolve, '127.0.0.1');
    expect(byAddress!.remoteAddress).toBe('127.0.0.1');
    byAddress!.destroy();
    expect(await open(listed, resolve, 'other.example')).toEqual(refused('other.example'));
  });

  test('nobody at the address: the error says so', async () => {
    const [error] = await open(
      loopback,
      (_name, _options, callback) => {
        callback(Object.assign(new Error('no'), { code: 'ENOTFOUND' }), []);
      },
      'none.example',
    );
    expect(error).toMatchObject({ code: 'ENOTFOUND' });
  });
});

describe('a connection that takes too long', () => {
  const never: Resolve = () => undefined;

  test('is given up by the connector', async () => {
    const connect = guardedConnector(loopback, 100, never);
    const options = { hostname: 'silent.example', protocol: 'http:', port: String(port) } as buildConnector.Options;
    const [error] = await new Promise<Opened>((opened) => connect(options, (...[e, socket]) => opened([e, socket])));
    expect(error).toMatchObject({ code: 'UND_ERR_CONNECT_TIMEOUT' });
  });

  test('is given up by the socket of mail when its signal says so', async () => {
    const gone = new AbortController();
    const opening = guardedSocket(loopback, never, { host: 'silent.example', port, signal: gone.signal });
    gone.abort();
    await expect(opening).rejects.toMatchObject({ name: 'AbortError' });
  });
});

test('a server that cuts the connection before anybody uses it ends no process', async () => {
  const [, socket] = await bySocket(loopback, names([]).resolve, '127.0.0.1');
  await until(() => taken.length === 1);
  // Nobody listens for errors yet.
  taken[0]!.resetAndDestroy();
  await until(() => socket!.destroyed);
});
