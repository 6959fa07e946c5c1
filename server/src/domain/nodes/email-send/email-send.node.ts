import { createHash } from 'node:crypto';
import type { Json } from '../../domain-error.ts';
import { parseDuration } from '../../language/duration.ts';
import { isTemplate } from '../../language/template.ts';
import { mailPort } from '../../vault/credential-values.ts';
import type { Disclosure } from '../../vault/disclosure.ts';
import type { Vault } from '../../vault/vault.ts';
import { disclosed } from '../calls.ts';
import { defineNode, NodeFailure, type NodeType, type StepContext } from '../node-type.ts';
import { type MailServer, type OutgoingMail, OutgoingMailError, type OutgoingMessage } from '../outgoing-mail.ts';
import { emailOutput, emailParams, type EmailParams } from './email-send.schema.ts';

/** Recipients of one message. */
const mostRecipients = 100;

/** Sends an e-mail by the SMTP server of a credential. */
export function emailSend({ mail, vault }: { mail: OutgoingMail; vault: Vault }): NodeType {
  return defineNode<EmailParams>({
    type: 'email.send',
    description: 'Sends an e-mail by the SMTP server of a credential.',
    params: emailParams,
    output: emailOutput,
    secrets: ['text', 'html', 'headers'],
    credentials: ({ credential }) => (typeof credential === 'string' && !isTemplate(credential) ? [credential] : []),
    ports: () => ['default'],
    *run(params) {
      const timeout = parseDuration(params.timeout ?? '60s');
      if (timeout === undefined)
        throw new NodeFailure(
          'invalid_params',
          `params.timeout is ${JSON.stringify(params.timeout)}, which is not a duration.`,
        );
      const output = yield {
        kind: 'step',
        key: 'send',
        run: async (context) => {
          const disclosure = await vault.open(context, params as unknown as Json, params.credential);
          return disclosed(disclosure, () => send(mail, disclosure, params, timeout, context));
        },
      };
      return { output };
    },
  });
}

async function send(
  mail: OutgoingMail,
  disclosure: Disclosure,
  params: EmailParams,
  timeout: number,
  context: StepContext,
): Promise<Json> {
  const server = serverOf(disclosure);
  const message = messageOf(disclosure.reveal(params as unknown as Json) as unknown as EmailParams, context);
  try {
    const { accepted, rejected } = await mail.send(message, server, { timeout, signal: context.signal });
    return { message_id: message.messageId, accepted: [...accepted], rejected: [...rejected] };
  } catch (error) {
    if (!(error instanceof OutgoingMailError)) throw error;
    const details = { reason: error.reason, ...(error.responseCode && { response_code: error.responseCode }) };
    throw new NodeFailure(`email_${error.reason}`, `${server.host}: ${error.message}`, details, { cause: error });
  }
}

function serverOf(disclosure: Disclosure): MailServer {
  const { host, port, security = 'starttls', username, password } = disclosure.credentialOf('smtp');
  return { host, port: mailPort({ port, security }), security, username, password };
}

function messageOf(params: EmailParams, { idempotencyKey }: StepContext): OutgoingMessage {
  const { from, subject, text, html, headers = {}, attachments = [] } = params;
  const [to, cc, bcc] = [listed(params.to), listed(params.cc), listed(params.bcc)];
  if (to.length + cc.length + bcc.length > mostRecipients)
    throw new NodeFailure('invalid_params', `A message has at most ${mostRecipients} recipients.`);
  return {
    messageId: messageId(idempotencyKey, from),
    from,
    to,
    cc,
    bcc,
    replyTo: params.reply_to,
    subject,
    text,
    html,
    headers,
    attachments: attachments.map(({ filename, content, encoding, content_type: contentType }) => ({
      filename,
      content: Buffer.from(content, encoding === 'base64' ? 'base64' : 'utf8'),
      contentType,
    })),
  };
}

function listed(addresses: string | readonly string[] | undefined): readonly string[] {
  return typeof addresses === 'string' ? [addresses] : (addresses ?? []);
}

/** Of the node and not of the attempt, so that a repetition can be recognised (RFC 5322 section 3.6.4). */
function messageId(idempotencyKey: string, from: string): string {
  const node = idempotencyKey.slice(0, idempotencyKey.lastIndexOf(':'));
  const domain = /@([A-Za-z0-9.-]+)>?\s*$/.exec(from)?.[1] ?? 'flowpact.invalid';
  return `<${createHash('sha256').update(node).digest('hex').slice(0, 32)}@${domain}>`;
}
