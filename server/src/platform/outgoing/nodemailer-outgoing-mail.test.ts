import { createServer as createHttpServer, type Server as HttpServer } from 'node:http';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import PostalMime from 'postal-mime';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { type MailServer, OutgoingMailError, type OutgoingMessage } from '../../domain/nodes/index.ts';
import { until } from '../../../test/until.ts';
import { inOrganisation } from '../../domain/tenancy/current-organisation.ts';
import { NodemailerOutgoingMail } from './nodemailer-outgoing-mail.ts';
import { OutgoingSlots } from './outgoing-slots.ts';

// Made for mail.test with OpenSSL; worth nothing to anybody.
const key = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgug6Yy34fT/aJqMGM
B3OkuRMgfzZ6xuzAcAovaewN80ChRANCAARZQZgxrvI7ZLSIP7E96eyTSS8zO2qg
rjqA71rijNsQjp4nEqkImDL12baQfGNulvwPaEWTv5xFSWNMNMWemoql
-----END PRIVATE KEY-----
`;
const cert = `-----BEGIN CERTIFICATE-----
MIIBlDCCATugAwIBAgIUcNE4Uc27+w5oVfFqPWIUoUHbFeMwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbWFpbC50ZXN0MCAXDTI2MTEyMjA1MzI0N1oYDzIxMjYxMDI5
MDUzMjQ3WjAUMRIwEAYDVQQDDAltYWlsLnRlc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAARZQZgxrvI7ZLSIP7E96eyTSS8zO2qgrjqA71rijNsQjp4nEqkImDL1
2baQfGNulvwPaEWTv5xFSWNMNMWemoqlo2kwZzAdBgNVHQ4EFgQUJYlsZgl3K9Oc
GxLrZtvs/igkXuQwHwYDVR0jBBgwFoAUJYlsZgl3K9OcGxLrZtvs/igkXuQwDwYD
VR0TAQH/BAUwAwEB/zAUBgNVHREEDTALggltYWlsLnRlc3QwCgYIKoZIzj0EAwID
RwAwRAIgXi5bUT6A/1ZfCQiSZYpzCwQGlXaP5n75BGHPeWWHeCYCIBqukW+T0oWZ
SaCfKxRI8M04nwn42vOlXe975ruX4JPo
-----END CERTIFICATE-----
`;

const messages: { from: string; to: string[]; source: Buffer }[] = [];
let cleanUp: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const step of cleanUp.splice(0)) await step();
  cleanUp = [];
  messages.length = 0;
});

async function smtp(options: SMTPServerOptions = {}): Promise<number> {
  const server = new SMTPServer({
    authOptional: true,
    logger: false,
    key,
    cert,
    onData: (stream, { envelope }, done) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const from = envelope.mailFrom ? envelope.mailFrom.address : '';
        messages.push({ from, to: envelope.rcptTo.map(({ address }) => address), source: Buffer.concat(chunks) });
        done();
      });
    },
    ...options,
  });
  server.on('error', () => undefined);
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', () => listening()));
  cleanUp.push(() => new Promise<void>((closed) => server.close(() => closed())));
  return (server.server.address() as AddressInfo).port;
}

const mail = new NodemailerOutgoingMail(['mail.test', '127.0.0.1'], {
  tls: { ca: cert },
  resolve: (_name, _options, callback) => callback(null, [{ address: '127.0.0.1', family: 4 }]),
});
// `mail.test` is resolved by the system unless it goes through the judge, so it is allowed by its address.
const named = new NodemailerOutgoingMail(['127.0.0.0/8'], {
  tls: { ca: cert },
  resolve: (_name, _options, callback) => callback(null, [{ address: '127.0.0.1', family: 4 }]),
});

const letter: OutgoingMessage = {
  messageId: '<1@shop.example>',
  from: 'The shop <orders@shop.example>',
  to: ['Zoë <zoe@example.com>'],
  cc: ['second@example.com'],
  bcc: ['hidden@example.com'],
  subject: 'Your order ✓',
  text: 'Thank you.\n.\nEnd',
  html: '<p>Thank you.</p>',
  headers: { 'X-Order': '4711' },
  attachments: [{ filename: 'ünvoice.txt', content: Buffer.from('12 €'), contentType: 'text/plain' }],
};

const server = (port: number, more: Partial<MailServer> = {}): MailServer => ({
  host: '127.0.0.1',
  port,
  security: 'none',
  ...more,
});

const limits = { timeout: 5_000, signal: new AbortController().signal };

async function failure(sending: Promise<unknown>): Promise<OutgoingMailError> {
  const error = await sending.catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(OutgoingMailError);
  return error as OutgoingMailError;
}

test('a message arrives whole, and hidden recipients stay hidden', async () => {
  const port = await smtp({ disabledCommands: ['STARTTLS', 'AUTH'] });
  const sent = await mail.send(letter, server(port), limits);
  expect(sent).toEqual({ accepted: ['zoe@example.com', 'second@example.com', 'hidden@example.com'], rejected: [] });
  expect(messages).toMatchObject([{ from: 'orders@shop.example', to: sent.accepted }]);
  const email = await PostalMime.parse(messages[0]!.source);
  expect(email).toMatchObject({
    messageId: '<1@shop.example>',
    from: { name: 'The shop', address: 'orders@shop.example' },
    to: [{ name: 'Zoë', address: 'zoe@example.com' }],
    subject: 'Your order ✓',
    html: expect.stringContaining('<p>Thank you.</p>'),
  });
  expect(email.text!.trimEnd().replaceAll('\r', '')).toBe(letter.text);
  expect(messages[0]!.source.toString()).toContain('X-Order: 4711');
  expect(messages[0]!.source.toString()).not.toContain('hidden@example.com');
  expect(new TextDecoder().decode(email.attachments[0]!.content as ArrayBuffer)).toBe('12 €');
});

test.each(['starttls', 'tls'] as const)('%s: what is said after the greeting is encrypted', async (security) => {
  const seen: boolean[] = [];
  const port = await smtp({
    secure: security === 'tls',
    authOptional: false,
    onAuth: ({ username, password }, session, done) => {
      seen.push(session.secure);
      done(username === 'us' && password === 'right' ? null : new Error(`not ${password}`), { user: username });
    },
  });
  const login = server(port, { host: 'mail.test', security, username: 'us', password: 'right' });
  expect(await named.send(letter, login, limits)).toMatchObject({ rejected: [] });
  expect(seen).toEqual([true]);
  const refused = await failure(named.send(letter, { ...login, password: 'wrong one' }, limits));
  expect(refused).toMatchObject({ reason: 'auth', responseCode: 535 });
  expect(refused.message).not.toContain('wrong one');
});

test.each([
  ['a server that does not encrypt', ['STARTTLS', 'AUTH'], 'mail.test'],
  ['a certificate of somebody else', ['AUTH'], 'other.test'],
])('starttls: %s is not trusted', async (_, disabledCommands, host) => {
  const port = await smtp({ disabledCommands });
  const error = await failure(named.send(letter, server(port, { host, security: 'starttls' }), limits));
  expect(error.reason).toBe('tls');
  expect(messages).toEqual([]);
});

test('some recipients refused: the others get it; all refused: nobody does', async () => {
  const port = await smtp({
    disabledCommands: ['STARTTLS', 'AUTH'],
    onRcptTo: ({ address }, _session, done) => done(address.startsWith('zoe') ? null : new Error('no such user')),
  });
  expect(await mail.send(letter, server(port), limits)).toEqual({
    accepted: ['zoe@example.com'],
    rejected: ['second@example.com', 'hidden@example.com'],
  });
  const nobody = { ...letter, to: ['nobody@example.com'] };
  expect(await failure(mail.send(nobody, server(port), limits))).toMatchObject({
    reason: 'rejected',
    responseCode: 550,
  });
});

test('lines in a name or subject make no further headers or recipients', async () => {
  const port = await smtp({ disabledCommands: ['STARTTLS', 'AUTH'] });
  const forged = { ...letter, subject: 'Hello\r\nBcc: evil@example.com', from: 'A\r\nX-Evil: 1 <a@shop.example>' };
  await mail.send(forged, server(port), limits);
  expect(messages[0]!.to).not.toContain('evil@example.com');
  expect(messages[0]!.source.toString()).not.toMatch(/^(Bcc|X-Evil):/im);
});

test.each(['127.0.0.1', '2130706433', '0x7f.1', '::1', '::ffff:127.0.0.1', '169.254.169.254', '10.0.0.1', 'localhost'])(
  'the server %s is refused where the operator does not allow it',
  async (host) => {
    const port = await smtp({ disabledCommands: ['STARTTLS', 'AUTH'] });
    const guarded = new NodemailerOutgoingMail([]);
    expect(await failure(guarded.send(letter, server(port, { host }), limits))).toMatchObject({
      reason: 'refused_address',
    });
    expect(messages).toEqual([]);
  },
);

test('a server that says nothing is given up in time, and a cancelled call at once', async () => {
  const silent: Server = createServer((socket) => socket.on('error', () => undefined));
  await new Promise<void>((listening) => silent.listen(0, '127.0.0.1', listening));
  cleanUp.push(() => new Promise((closed) => silent.close(() => closed())));
  const at = server((silent.address() as AddressInfo).port);
  expect(await failure(mail.send(letter, at, { ...limits, timeout: 200 }))).toMatchObject({ reason: 'timeout' });
  const controller = new AbortController();
  const sending = failure(mail.send(letter, at, { timeout: 60_000, signal: controller.signal }));
  controller.abort();
  expect(await sending).toMatchObject({ reason: 'aborted' });
});

test('nobody at the port is a failed connection', async () => {
  expect(await failure(mail.send(letter, server(1), limits))).toMatchObject({ reason: 'connection' });
});

describe('what a message is made of comes with it', () => {
  const asked: string[] = [];
  let web: HttpServer;
  let url: string;
  beforeAll(async () => {
    web = createHttpServer(({ url: path }, response) => (asked.push(path!), response.end('<p>fetched</p>')));
    await new Promise<void>((listening) => web.listen(0, '127.0.0.1', listening));
    url = `http://127.0.0.1:${(web.address() as AddressInfo).port}/`;
  });
  afterAll(() => new Promise((closed) => web.close(closed)));
  const file = import.meta.filename;

  test.each<[name: string, change: () => object]>([
    ['an attachment that names a file', () => ({ attachments: [{ filename: 'a', path: file }] })],
    ['an attachment whose content names a file', () => ({ attachments: [{ filename: 'a', content: { path: file } }] })],
    ['an attachment that names a URL', () => ({ attachments: [{ filename: 'a', href: url }] })],
    ['an attachment whose path is a URL', () => ({ attachments: [{ filename: 'a', path: url }] })],
    ['a text that names a file', () => ({ text: { path: file } })],
    ['a text in HTML that names a URL', () => ({ html: { path: url } })],
    ['a text in HTML that names a file', () => ({ html: { path: file } })],
  ])('%s is refused: nothing is read, fetched or sent', async (_, change) => {
    const port = await smtp({ disabledCommands: ['STARTTLS', 'AUTH'] });
    const error = await failure(mail.send({ ...letter, ...change() } as OutgoingMessage, server(port), limits));
    expect(error).toMatchObject({ reason: 'invalid', message: 'the message cannot be made' });
    expect([asked, messages]).toEqual([[], []]);
  });

  test('attachments arrive each with its name and type', async () => {
    const port = await smtp({ disabledCommands: ['STARTTLS', 'AUTH'] });
    const attachments = [
      { filename: 'a.bin', content: Buffer.of(0, 255, 10, 13, 46), contentType: 'application/x-own' },
      { filename: 'b.txt', content: Buffer.from(file) },
    ];
    await mail.send({ ...letter, attachments }, server(port), limits);
    const email = await PostalMime.parse(messages[0]!.source);
    expect(
      email.attachments.map(({ filename, mimeType, content }) => [
        filename,
        mimeType,
        Buffer.from(content as ArrayBuffer),
      ]),
    ).toEqual([
      ['a.bin', 'application/x-own', attachments[0]!.content],
      ['b.txt', 'text/plain', attachments[1]!.content],
    ]);
  });
});

describe('encryption', () => {
  test("none: a certificate that nobody trusts is in nobody's way, since none is asked for", async () => {
    const secure: boolean[] = [];
    const port = await smtp({
      onMailFrom: (_address, session, done) => (secure.push(session.secure), done()),
    });
    await new NodemailerOutgoingMail(['127.0.0.1']).send(letter, server(port), limits);
    expect(secure).toEqual([false]);
  });

  test.each(['starttls', 'tls'] as const)(
    '%s: a certificate that nobody has signed is not trusted',
    async (security) => {
      const port = await smtp({ secure: security === 'tls' });
      const untrusting = new NodemailerOutgoingMail(['127.0.0.0/8'], {
        resolve: (_name, _options, callback) => callback(null, [{ address: '127.0.0.1', family: 4 }]),
      });
      const error = await failure(untrusting.send(letter, server(port, { host: 'mail.test', security }), limits));
      expect([error.reason, messages]).toEqual(['tls', []]);
    },
  );

  test('a server that speaks an old TLS only is not used', async () => {
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
    const port = await smtp({ secure: true, ...old });
    const lax = new NodemailerOutgoingMail(['127.0.0.0/8'], {
      // Whatever else is said about encryption, the lowest version stays.
      tls: { ca: cert, minVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' },
      resolve: (_name, _options, callback) => callback(null, [{ address: '127.0.0.1', family: 4 }]),
    });
    const error = await failure(lax.send(letter, server(port, { host: 'mail.test', security: 'tls' }), limits));
    expect([error.reason, messages]).toEqual(['tls', []]);
  });
});

test('a name without a password signs nobody in', async () => {
  const port = await smtp({ authOptional: false, onAuth: (_login, _session, done) => done(null, { user: 'us' }) });
  const login = server(port, { host: 'mail.test', security: 'starttls', username: 'us' });
  expect([(await failure(named.send(letter, login, limits))).reason, messages]).toEqual(['auth', []]);
});

describe('with slots', () => {
  const slow: (() => void)[] = [];
  const slotted = (calls: number, callsOf = async (): Promise<number> => 1): NodemailerOutgoingMail =>
    new NodemailerOutgoingMail(['127.0.0.1'], { slots: new OutgoingSlots({ calls, callsOf }) });
  const send = (by: NodemailerOutgoingMail, port: number, signal = limits.signal): Promise<unknown> =>
    inOrganisation('a', () => by.send(letter, server(port), { ...limits, signal }));
  const slowly: SMTPServerOptions = {
    disabledCommands: ['STARTTLS', 'AUTH'],
    onData: (stream, _session, done) => void stream.resume().on('end', () => slow.push(done)),
  };

  test('a message takes a slot until it is sent; one that is cancelled while it waits says so', async () => {
    const port = await smtp(slowly);
    const by = slotted(1);
    const first = send(by, port);
    await until(() => slow.length === 1);
    const gone = new AbortController();
    const cancelled = failure(send(by, port, gone.signal));
    const third = send(by, port);
    gone.abort();
    expect(await cancelled).toMatchObject({ reason: 'aborted', message: 'the call was cancelled' });
    expect(slow.splice(0).map((done) => done())).toHaveLength(1);
    await first;
    await until(() => slow.length === 1);
    slow.splice(0).forEach((done) => done());
    await third;
  });

  test('a message that is refused gives its slot back, and keeps its own reason also when it was cancelled', async () => {
    const by = slotted(1);
    const gone = new AbortController();
    expect(await failure(send(by, 1))).toMatchObject({ reason: 'connection' });
    const port = await smtp({
      disabledCommands: ['STARTTLS', 'AUTH'],
      onMailFrom: (_address, _session, done) => done(new Error('not you')),
    });
    expect(await failure(send(by, port, gone.signal))).toMatchObject({ reason: 'rejected' });
    gone.abort();
    expect(await failure(send(by, port, gone.signal))).toMatchObject({ reason: 'aborted' });
  });

  test('a plan that cannot be read is that error, and no cancelled call', async () => {
    const by = slotted(1, () => Promise.reject(new Error('no database')));
    await expect(send(by, 1)).rejects.toThrow('no database');
  });
});

test.each([
  ['in time', {}],
  ['too late', { timeout: 150 }],
])('the connection is closed when a message is over: %s', async (_, more) => {
  const closing: Promise<void>[] = [];
  const port = await smtp({
    disabledCommands: ['STARTTLS', 'AUTH'],
    onConnect: (_session, done) => done(),
    onClose: () => void closing.push(Promise.resolve()),
    ...(Object.keys(more).length > 0 && { onData: (stream) => void stream.resume() }),
  });
  await mail.send(letter, server(port), { ...limits, ...more }).catch((error: unknown) => {
    expect(error).toMatchObject({ reason: 'timeout', message: 'the message was not taken within 150 ms' });
  });
  await until(() => closing.length === 1);
});
