import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { until } from '../../../test/until.ts';
import { OutgoingHttpError, type OutgoingRequest, type OutgoingResponse } from '../../domain/nodes/index.ts';
import { inOrganisation } from '../../domain/tenancy/current-organisation.ts';
import { sharedResources } from '../../domain/tenancy/shared-resources.ts';
import { OutgoingSlots } from './outgoing-slots.ts';
import { UndiciOutgoingHttp } from './undici-outgoing-http.ts';
import type { Resolve } from './guarded-connector.ts';

/** Answers `/fast` at once and nothing else. */
let server: Server;
let waiting: ServerResponse[];
let ports: number[];
let http: UndiciOutgoingHttp;
let resolve: Resolve;
let address: string;

beforeEach(async () => {
  waiting = [];
  ports = [];
  server = createServer((request, response) => {
    ports.push(request.socket.remotePort!);
    if (request.url === '/fast') response.end('{}');
    else waiting.push(response);
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  resolve = (_, __, callback) => callback(null, [{ address: '127.0.0.1', family: 4 }]);
  const slots = new OutgoingSlots({ calls: 4, callsOf: async () => 3 });
  http = new UndiciOutgoingHttp(['127.0.0.0/8', address], (...given) => resolve(...given), slots);
});
afterEach(async () => {
  await http.close();
  server.closeAllConnections();
  await new Promise((closed) => server.close(closed));
});

function call(organisationId: string, url: string, more: Partial<OutgoingRequest> = {}): Promise<OutgoingResponse> {
  const limits = { timeout: 60_000, redirects: 0, maxBytes: 1_000 };
  return inOrganisation(organisationId, () =>
    http.send({ method: 'GET', url: new URL(url), headers: {}, ...limits, ...more }),
  );
}

const load = (name: string): unknown => sharedResources.slots.get(name)!();

test('an organisation whose receiver does not answer keeps neither slots nor connections from others', async () => {
  const noisy = Array.from({ length: 40 }, () => call('noisy', `http://${address}/slow`));
  await until(() => waiting.length === 3);
  expect(await call('quiet', `http://${address}/fast`)).toMatchObject({ status: 200 });
  expect(waiting).toHaveLength(3);
  expect(load('outgoing_calls')).toMatchObject({ taken: 3, waiting: 37 });
  let answered = 0;
  const all = Promise.all(noisy).then(() => (answered = 40));
  await until(() => (waiting.splice(0).forEach((response) => response.end('{}')), answered === 40));
  await all;
  expect(load('outgoing_calls')).toMatchObject({ taken: 0, waiting: 0 });
});

test('a call that is cancelled while it waits for a slot says so, and leaves nothing behind', async () => {
  const slow = Array.from({ length: 3 }, () => call('noisy', `http://${address}/slow`));
  await until(() => waiting.length === 3);
  const gone = new AbortController();
  const cancelled = call('noisy', `http://${address}/fast`, { signal: gone.signal });
  await until(() => (load('outgoing_calls') as { waiting: number }).waiting === 1);
  gone.abort();
  await expect(cancelled).rejects.toMatchObject({ reason: 'aborted', name: OutgoingHttpError.name });
  waiting.forEach((response) => response.end());
  await Promise.all(slow);
});

test('organisations use their own connections again, and not those of one another', async () => {
  const used = new Map<string, Set<number>>();
  for (const organisationId of ['a', 'b', 'a', 'a', 'b', 'a', 'a', 'a']) {
    await call(organisationId, `http://${address}/fast`);
    used.set(organisationId, (used.get(organisationId) ?? new Set()).add(ports.at(-1)!));
  }
  const [ofA, ofB] = [used.get('a')!, used.get('b')!];
  expect([...ofA].filter((port) => ofB.has(port))).toEqual([]);
  // A second one is opened where the answer before has not quite ended.
  expect(ofA.size).toBeLessThan(4);
});

test('connections are given up when the organisation has made no call for a while, and not while one is under way', async () => {
  const idle = new UndiciOutgoingHttp(['127.0.0.0/8'], (...given) => resolve(...given), undefined, 100);
  const open = new Set<unknown>();
  server.on('connection', (socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  });
  const send = (path: string): Promise<OutgoingResponse> =>
    inOrganisation('a', () =>
      idle.send({
        method: 'GET',
        url: new URL(`http://${address}${path}`),
        headers: {},
        timeout: 60_000,
        redirects: 0,
        maxBytes: 1_000,
      }),
    );
  const slow = send('/slow');
  await until(() => waiting.length === 1);
  await send('/fast');
  // Longer than it would take, were nothing under way.
  await new Promise((passed) => setTimeout(passed, 250));
  expect(open.size).toBeGreaterThan(0);
  waiting[0]!.end('{}');
  expect(await slow).toMatchObject({ status: 200 });
  await until(() => open.size === 0);
  expect(await send('/fast')).toMatchObject({ status: 200 });
  await idle.close();
});

test('what is closed has no connections any more', async () => {
  const open = new Set<unknown>();
  server.on('connection', (socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  });
  for (const organisationId of ['a', 'b']) await call(organisationId, `http://${address}/fast`);
  expect(open.size).toBe(2);
  await http.close();
  await until(() => open.size === 0);
});

test('host names that nobody answers for keep no turn from those of others', async () => {
  const unanswered: (() => void)[] = [];
  resolve = (hostname, _, callback) => {
    if (hostname === 'quick.example') callback(null, [{ address: '127.0.0.1', family: 4 }]);
    else unanswered.push(() => callback(Object.assign(new Error('no name'), { code: 'ENOTFOUND' }), []));
  };
  const { port } = new URL(`http://${address}`);
  const noisy = Promise.allSettled(
    Array.from({ length: 3 }, (_, n) => call('noisy', `http://silent${n}.example:${port}/`)),
  );
  await until(() => unanswered.length > 0);
  expect(await call('quiet', `http://quick.example:${port}/fast`)).toMatchObject({ status: 200 });
  expect(unanswered.length).toBeLessThan(3);
  let settled = false;
  void noisy.then(() => (settled = true));
  await until(() => (unanswered.splice(0).forEach((answer) => answer()), settled));
  expect((await noisy).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
  expect(load('host_lookups')).toMatchObject({ taken: 0, waiting: 0 });
});

/** Look-ups of each organisation through the slots; `answer` answers the oldest that is under way. */
function lookups(slots: OutgoingSlots): {
  look: (organisationId: string) => Promise<unknown>;
  asked: string[];
  answer: () => void;
} {
  const asked: string[] = [];
  const answers: (() => void)[] = [];
  return {
    asked,
    look: (organisationId) =>
      new Promise((found) =>
        slots.lookupsOf(organisationId, (hostname, _, callback) => {
          asked.push(hostname);
          answers.push(() => callback(null, []));
        })(`${organisationId}.example`, { all: true }, (error) => found(error)),
      ),
    answer: () => answers.shift()!(),
  };
}

test('two names are looked up at once, one of each organisation, and the rest in turn', async () => {
  const { look, asked, answer } = lookups(new OutgoingSlots({ calls: 4, callsOf: async () => 3 }));
  const all = ['a', 'a', 'b', 'c'].map(look);
  await until(() => asked.length === 2);
  expect(asked).toEqual(['a.example', 'b.example']);
  expect(load('host_lookups')).toMatchObject({ taken: 2, waiting: 2 });
  for (let count = 3; count <= 4; count++) {
    answer();
    await until(() => asked.length === count);
    expect(load('host_lookups')).toMatchObject({ taken: 2, waiting: 4 - count });
  }
  answer();
  answer();
  expect(await Promise.all(all)).toEqual([null, null, null, null]);
  expect(load('host_lookups')).toMatchObject({ taken: 0, waiting: 0 });
});

test('a look-up that gets no turn in time fails, and its place is free', async () => {
  const { look, asked, answer } = lookups(new OutgoingSlots({ calls: 4, callsOf: async () => 3, lookupWaitMs: 20 }));
  const first = look('a');
  expect(await look('a')).toMatchObject({ name: 'NoSlotError' });
  expect([asked, load('host_lookups')]).toEqual([['a.example'], expect.objectContaining({ taken: 1, waiting: 0 })]);
  answer();
  expect(await first).toBeNull();
});

test('a resolver that throws gives its slot back', async () => {
  const slots = new OutgoingSlots({ calls: 4, callsOf: async () => 3 });
  const faulty = slots.lookupsOf('a', () => {
    throw new TypeError('no resolver');
  });
  const error = await new Promise((found) => faulty('a.example', { all: true }, (thrown) => found(thrown)));
  expect([error, load('host_lookups')]).toEqual([new TypeError('no resolver'), expect.objectContaining({ taken: 0 })]);
});

test('calls: as many as the process has for all, no more of one organisation than its plan has, and no bound for the platform', async () => {
  const asked: string[] = [];
  const slots = new OutgoingSlots({ calls: 4, callsOf: async (id) => (asked.push(id), 2) });
  const open: (() => void)[] = [];
  const make = (organisationId: string): Promise<void> =>
    inOrganisation(organisationId, () => slots.call(undefined, () => new Promise((done) => open.push(done))));
  const own = ['a', 'a', 'a'].map(make);
  await until(() => (load('outgoing_calls') as { waiting: number }).waiting === 1);
  expect(open).toHaveLength(2);
  const platform = ['', '', ''].map(make);
  await until(() => (load('outgoing_calls') as { waiting: number }).waiting === 2);
  expect(open).toHaveLength(4);
  expect(new Set(asked)).toEqual(new Set(['a']));
  let ended = false;
  const all = Promise.all([...own, ...platform]).then(() => (ended = true));
  await until(() => (open.splice(0).forEach((done) => done()), ended));
  await all;
  expect(load('outgoing_calls')).toMatchObject({ taken: 0, waiting: 0 });
});

test('a call that fails gives its slot back', async () => {
  const slots = new OutgoingSlots({ calls: 1, callsOf: async () => 1 });
  for (let count = 0; count < 2; count++)
    await expect(slots.call(undefined, () => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
  expect(await slots.call(undefined, async () => 'made')).toBe('made');
});

test('an answer whose plan cannot be read is that error, and no cancelled call', async () => {
  const slots = new OutgoingSlots({ calls: 1, callsOf: () => Promise.reject(new Error('no database')) });
  const unplanned = new UndiciOutgoingHttp([address], (...given) => resolve(...given), slots);
  const url = new URL(`http://${address}/fast`);
  const limits = { timeout: 60_000, redirects: 0, maxBytes: 1_000, signal: new AbortController().signal };
  const send = (more: Partial<OutgoingRequest> = {}): Promise<OutgoingResponse> =>
    inOrganisation('a', () => unplanned.send({ method: 'GET', url, headers: {}, ...limits, ...more }));
  await expect(send()).rejects.toThrow('no database');
  // Whoever brings a slot along needs none.
  expect(await send({ hasSlot: true })).toMatchObject({ status: 200 });
  await unplanned.close();
});
