import type { PublicUrl } from '../public-url.ts';
import type { User } from '../user/user.entity.ts';
import type { AccountMessage } from './account-mail.ts';
import { resetLifetimeSeconds } from './password-reset-tokens.ts';

/** Where a person sets a new password. The token is in the fragment, which browsers send to no server (RFC 9110 section 4.2.1). */
export function resetLink(publicUrl: PublicUrl, token: string): string {
  return `${publicUrl.of('/reset-password')}#${token}`;
}

/** The mail with the link. */
export function resetMessage(user: User, publicUrl: PublicUrl, token: string): AccountMessage {
  return messageTo(user, 'Set a new password for Flowpact', [
    `Somebody, probably you, asked to set a new password for the Flowpact account ${user.email}. This link does it, once and within ${resetLifetimeSeconds / 60} minutes:`,
    resetLink(publicUrl, token),
    'If the page asks for a code, it is this one:',
    token,
    'If it was not you, you need not do anything: your password stays as it is. Pass neither the link nor the code on.',
  ]);
}

/** The mail that says that the password was changed. */
export function changedMessage(user: User): AccountMessage {
  return messageTo(user, 'Your Flowpact password was changed', [
    `The password of the Flowpact account ${user.email} was set anew with a link from a mail, and everybody who was signed in to it has been signed out. API keys are still valid.`,
    'If it was not you, somebody reads your mail: secure your mailbox, and then ask for another link.',
  ]);
}

function messageTo(
  { email, name, organisation }: User,
  subject: string,
  paragraphs: readonly string[],
): AccountMessage {
  const text = [`Hello ${name},`, ...paragraphs].join('\n\n');
  return { organisationId: organisation.id, to: email, subject, text: `${text}\n` };
}
