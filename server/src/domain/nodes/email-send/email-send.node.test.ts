import { beforeEach, expect, test } from '@jest/globals';
import type { Json } from '../../domain-error.ts';
import { OutgoingMailError } from '../index.ts';
import { nodeFailure, RecordingMail, runNode, TestVault } from '../testing/run-node.ts';

const vault = new TestVault();
let mail: RecordingMail;

beforeEach(() => {
  mail = new RecordingMail();
  vault.credentials = {
    mail: { type: 'smtp', host: 'mail.test', username: 'us', password: 'pass word' },
    other: { type: 'bearer', token: 'token' },
  };
  vault.secrets = { CODE: 'code 1234' };
});

const letter = { credential: 'mail', from: 'Shop <a@shop.test>', to: 'b@c.test', subject: 'Hello', text: 'Hi' };
const run = async (params: Record<string, Json>): ReturnType<typeof runNode> =>
  runNode('email.send', { ...letter, ...params }, [], { mail, vault });
const failure = (params: Record<string, Json>): ReturnType<typeof nodeFailure> =>
  nodeFailure('email.send', { ...letter, ...params }, [], { mail, vault });

test('a message goes to the server of the credential, with an id that stays at every attempt', async () => {
  const { result } = await run({
    cc: ['d@c.test'],
    bcc: 'e@c.test',
    text: `Code: ${vault.markers.of('exec_1', 'CODE')}`,
  });
  expect(mail.sent).toMatchObject([
    {
      server: { host: 'mail.test', port: 587, security: 'starttls', username: 'us', password: 'pass word' },
      message: { to: ['b@c.test'], cc: ['d@c.test'], bcc: ['e@c.test'], text: 'Code: code 1234' },
    },
  ]);
  const { messageId } = mail.sent[0]!.message;
  expect(messageId).toMatch(/^<[0-9a-f]{32}@shop\.test>$/);
  expect(result.output).toEqual({
    message_id: messageId,
    accepted: ['b@c.test', 'd@c.test', 'e@c.test'],
    rejected: [],
  });
  await run({});
  expect(mail.sent[1]!.message.messageId).toBe(messageId);
});

test('attachments are text or base64', async () => {
  await run({
    attachments: [
      { filename: 'a.txt', content: 'é' },
      { filename: 'b.bin', content: '//4=', encoding: 'base64', content_type: 'application/x-b' },
    ],
  });
  expect(mail.sent[0]!.message.attachments).toEqual([
    { filename: 'a.txt', content: Buffer.from('é'), contentType: undefined },
    { filename: 'b.bin', content: Buffer.of(0xff, 0xfe), contentType: 'application/x-b' },
  ]);
});

test('what the server refuses fails the node, with a code for retry.on', async () => {
  mail.refusal = new OutgoingMailError('auth', 'the server refused the name and password (535)', 535);
  expect(await failure({})).toMatchObject({
    code: 'email_auth',
    message: 'mail.test: the server refused the name and password (535)',
    details: { reason: 'auth', response_code: 535 },
  });
});

test.each<[params: Record<string, Json>, code: string]>([
  [{ credential: 'other' }, 'credential_not_usable'],
  [{ credential: 'none' }, 'credential_not_found'],
  [{ subject: 'a\r\nBcc: x@y.test' }, 'invalid_params'],
  [{ from: 'a@b.test\nX: y' }, 'invalid_params'],
  [{ headers: { Bcc: 'x@y.test' } }, 'invalid_params'],
  [
    { to: Array.from({ length: 60 }, () => 'a@b.test'), cc: Array.from({ length: 60 }, () => 'a@b.test') },
    'invalid_params',
  ],
])('%j fails', async (params, code) => {
  expect(await failure(params)).toMatchObject({ code });
  expect(mail.sent).toEqual([]);
});
