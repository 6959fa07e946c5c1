import { createServer, type AddressInfo, type Server } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import PostalMime from 'postal-mime';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { type MailServer, OutgoingMailError, type OutgoingMessage } from '../../domain/nodes/index.ts';
import { NodemailerOutgoingMail } from './nodemailer-outgoing-mail.ts';

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
