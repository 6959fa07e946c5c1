import { randomUUID } from 'node:crypto';
import { OutgoingMailError, type MailServer } from '../../domain/nodes/index.ts';
import { AccountMail, type AccountMessage } from '../../domain/password-reset/account-mail.ts';
import { SharedSlots } from '../../domain/tenancy/shared-slots.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { NodemailerOutgoingMail } from './nodemailer-outgoing-mail.ts';

/** Mails that one process sends at once, and those of one organisation. */
const atOnce = 4;
const atOnceOfOne = 2;
/** Milliseconds that a mail waits for its turn at most, and that the server has to take it. */
const maxWaitMs = 60_000;
const timeout = 10_000;

/** The operator's mail server and the sender, both or neither. */
export interface SmtpAccountMailOptions {
  readonly server: MailServer | undefined;
  readonly from: string | undefined;
  readonly metrics: Pick<Metrics, 'counter'>;
}

/** Mail to users by the server of `SMTP_URL`, which may be on a private network: the operator has named it. */
export class SmtpAccountMail extends AccountMail {
  readonly #slots = new SharedSlots({ name: 'account_mails', width: atOnce });
  readonly #server: MailServer | undefined;
  readonly #from: string;
  readonly #mail: NodemailerOutgoingMail;
  readonly #count: ReturnType<Metrics['counter']>;

  constructor({ server, from = '', metrics }: SmtpAccountMailOptions) {
    super();
    this.#server = server;
    this.#from = from;
    this.#mail = new NodemailerOutgoingMail(server ? [server.host] : []);
    this.#count = metrics.counter(
      'account_mails_total',
      'Mails of the platform to its users, by how sending them went.',
      ['outcome'],
    );
  }

  override get isConfigured(): boolean {
    return this.#server !== undefined;
  }

  override async send(message: AccountMessage): Promise<void> {
    try {
      await this.#slots.run(message.organisationId, () => this.#hand(message), {
        maxSlots: atOnceOfOne,
        waitMs: maxWaitMs,
      });
      this.#count.inc({ outcome: 'sent' });
    } catch (error) {
      this.#count.inc({ outcome: 'failed' });
      throw error;
    }
  }

  async #hand({ to, subject, text }: AccountMessage): Promise<void> {
    if (!this.#server) throw new OutgoingMailError('invalid', 'no mail server is set up (SMTP_URL)');
    const domain = /@([^>]+)/.exec(this.#from)?.[1];
    await this.#mail.send(
      {
        messageId: `<${randomUUID()}@${domain}>`,
        from: this.#from,
        to: [to],
        cc: [],
        bcc: [],
        subject,
        text,
        // RFC 3834 section 5: nothing is to answer by itself.
        headers: { 'Auto-Submitted': 'auto-generated' },
        attachments: [],
      },
      this.#server,
      { timeout, signal: new AbortController().signal },
    );
  }
}
