import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { MailServer } from '../../../test/mail-server.ts';
import { until } from '../../../test/until.ts';
import type { AccountMessage } from '../../domain/password-reset/account-mail.ts';
import { sharedResources } from '../../domain/tenancy/shared-resources.ts';
import { SmtpAccountMail, type SmtpAccountMailOptions } from './smtp-account-mail.ts';

let server: MailServer;
let outcomes: string[];

beforeEach(async () => {
  server = await MailServer.start();
  outcomes = [];
});
afterEach(() => server.stop());

const metrics = {
  counter: () => ({ inc: ({ outcome }: { outcome: string }) => void outcomes.push(outcome) }),
} as unknown as SmtpAccountMailOptions['metrics'];

function account(more: Partial<SmtpAccountMailOptions> = {}): SmtpAccountMail {
  const local = { host: '127.0.0.1', port: server.port, security: 'none' } as const;
  return new SmtpAccountMail({ server: local, from: 'Flowpact <no-reply@flowpact.example>', metrics, ...more });
}

const message: AccountMessage = {
  organisationId: 'org_1',
  to: 'ada@example.com',
  subject: 'Your password',
  text: 'Set it anew.',
};

test('a mail goes out by the server of the operator, on a private network too, and asks for no answer by machines', async () => {
  await account().send(message);
  expect(server.received).toMatchObject([
    {
      from: 'no-reply@flowpact.example',
      to: ['ada@example.com'],
      email: { subject: 'Your password', messageId: expect.stringMatching(/^<[0-9a-f-]{36}@flowpact\.example>$/) },
    },
  ]);
  const [{ email }] = server.received as [(typeof server.received)[0]];
  expect(email.text!.trim()).toBe('Set it anew.');
  expect(email.headers).toContainEqual(expect.objectContaining({ key: 'auto-submitted', value: 'auto-generated' }));
  expect(outcomes).toEqual(['sent']);
});

test('a mail that the server refuses is an error, and counted as failed', async () => {
  await expect(account().send({ ...message, to: 'nobody@example.com' })).rejects.toMatchObject({ reason: 'rejected' });
  expect([server.received, outcomes]).toEqual([[], ['failed']]);
});

test('without a server there is nobody to send, and whoever asks is told', async () => {
  const none = account({ server: undefined, from: undefined });
  expect([none.isConfigured, account().isConfigured]).toEqual([false, true]);
  await expect(none.send(message)).rejects.toMatchObject({
    reason: 'invalid',
    message: expect.stringContaining('SMTP_URL'),
  });
  expect(outcomes).toEqual(['failed']);
});

test('four mails are sent at once, two of one organisation, and the others after them', async () => {
  const held: (() => void)[] = [];
  const all: Promise<void>[] = [];
  const mail = account();
  const load = (): unknown => sharedResources.slots.get('account_mails')!();
  server.hold = (release) => held.push(release);
  for (const organisationId of ['a', 'a', 'a', 'b', 'b', 'c']) all.push(mail.send({ ...message, organisationId }));
  await until(() => held.length === 4);
  expect(load()).toMatchObject({ taken: 4, waiting: 2 });
  let ended = false;
  const sent = Promise.all(all).then(() => (ended = true));
  await until(() => (held.splice(0).forEach((release) => release()), ended));
  await sent;
  expect([outcomes.length, load()]).toEqual([6, expect.objectContaining({ taken: 0, waiting: 0 })]);
});
