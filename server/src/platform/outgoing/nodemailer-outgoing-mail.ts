import type { SecureContextOptions } from 'node:tls';
import { createTransport } from 'nodemailer';
import {
  type MailFailure,
  type MailLimits,
  type MailServer,
  OutgoingMail,
  OutgoingMailError,
  type OutgoingMessage,
  type SentMessage,
} from '../../domain/nodes/outgoing-mail.ts';
import { currentOrganisation } from '../../domain/tenancy/current-organisation.ts';
import { AddressPolicy } from './address-policy.ts';
import { RefusedAddressError, type Resolve, systemResolve } from './guarded-connector.ts';
import { guardedSocket } from './guarded-socket.ts';
import type { OutgoingSlots } from './outgoing-slots.ts';

/** How a connection is made; tests give their own. */
export interface MailConnections {
  readonly resolve?: Resolve;
  /** Certificates to trust besides those of the system. */
  readonly tls?: SecureContextOptions;
  readonly slots?: OutgoingSlots;
}

/** Mail by nodemailer, over connections that are judged before they are used. */
export class NodemailerOutgoingMail extends OutgoingMail {
  readonly #policy: AddressPolicy;
  readonly #resolve: Resolve;
  readonly #tls: SecureContextOptions | undefined;
  readonly #slots: OutgoingSlots | undefined;

  /** `allowed`: what private hosts may be reached all the same (`OUTGOING_ALLOWED_HOSTS`). */
  constructor(allowed: readonly string[], { resolve = systemResolve, tls, slots }: MailConnections = {}) {
    super();
    this.#policy = new AddressPolicy(allowed);
    this.#resolve = resolve;
    this.#tls = tls;
    this.#slots = slots;
  }

  override async send(message: OutgoingMessage, server: MailServer, limits: MailLimits): Promise<SentMessage> {
    if (!this.#slots) return this.#send(message, server, limits);
    try {
      return await this.#slots.call(limits.signal, () => this.#send(message, server, limits));
    } catch (error) {
      if (limits.signal.aborted && !(error instanceof OutgoingMailError)) throw cancelled(error);
      throw error;
    }
  }

  async #send(message: OutgoingMessage, server: MailServer, limits: MailLimits): Promise<SentMessage> {
    const timeout = AbortSignal.timeout(limits.timeout);
    const signal = AbortSignal.any([limits.signal, timeout]);
    try {
      const resolve = this.#slots?.lookupsOf(currentOrganisation(), this.#resolve) ?? this.#resolve;
      // The signal ends it too, as long as it is open.
      const connection = await guardedSocket(this.#policy, resolve, { ...server, signal });
      try {
        return await this.#transfer(message, server, connection, limits.timeout);
      } finally {
        connection.destroy();
      }
    } catch (error) {
      if (limits.signal.aborted) throw cancelled(error);
      if (timeout.aborted)
        throw new OutgoingMailError('timeout', `the message was not taken within ${limits.timeout} ms`, undefined, {
          cause: error,
        });
      throw mailError(error);
    }
  }

  async #transfer(
    message: OutgoingMessage,
    { host, port, security, username, password }: MailServer,
    connection: unknown,
    timeout: number,
  ): Promise<SentMessage> {
    const transport = createTransport({
      host,
      port,
      secure: security === 'tls',
      requireTLS: security === 'starttls',
      ignoreTLS: security === 'none',
      tls: { ...this.#tls, minVersion: 'TLSv1.2', servername: host },
      ...(username !== undefined && { auth: { user: username, pass: password ?? '' } }),
      connectionTimeout: timeout,
      greetingTimeout: timeout,
      socketTimeout: timeout,
      getSocket: (_options: unknown, callback: (error: Error | null, socket: object) => void) =>
        callback(null, { connection }),
    } as never);
    try {
      const { accepted, rejected } = (await transport.sendMail({
        ...message,
        to: [...message.to],
        cc: [...message.cc],
        bcc: [...message.bcc],
        attachments: message.attachments.map((attachment) => ({ ...attachment })),
        // What a message is made of comes with it and from nowhere else.
        disableFileAccess: true,
        disableUrlAccess: true,
      } as never)) as unknown as { accepted: Recipient[]; rejected: Recipient[] };
      return { accepted: accepted.map(addressOf), rejected: rejected.map(addressOf) };
    } finally {
      transport.close();
    }
  }
}

function cancelled(cause: unknown): OutgoingMailError {
  return new OutgoingMailError('aborted', 'the call was cancelled', undefined, { cause });
}

type Recipient = string | { address: string };

function addressOf(recipient: Recipient): string {
  return typeof recipient === 'string' ? recipient : recipient.address;
}

const reasons: Record<string, MailFailure> = {
  EAUTH: 'auth',
  ENOAUTH: 'auth',
  EENVELOPE: 'rejected',
  EMESSAGE: 'rejected',
  ESTREAM: 'invalid',
  ETLS: 'tls',
};

/** The words of the server stay out: they may repeat what it was sent. */
const explained: Record<MailFailure, string> = {
  refused_address: 'the address is private or reserved',
  connection: 'the connection failed',
  tls: 'no encrypted connection could be made',
  auth: 'the server refused the name and password',
  rejected: 'the server refused the sender, every recipient, or the message',
  timeout: 'the server did not answer in time',
  invalid: 'the message cannot be made',
  aborted: 'the call was cancelled',
};

function mailError(error: unknown): OutgoingMailError {
  const cause = error as Error & { code?: string; responseCode?: number };
  if (cause instanceof RefusedAddressError)
    return new OutgoingMailError('refused_address', cause.message, undefined, { cause });
  const reason = reasons[cause.code ?? ''] ?? (isTls(cause) ? 'tls' : 'connection');
  const code = cause.responseCode === undefined ? '' : ` (${cause.responseCode})`;
  return new OutgoingMailError(reason, `${explained[reason]}${code}`, cause.responseCode, { cause });
}

function isTls({ code = '', message }: { code?: string; message: string }): boolean {
  return /CERT|SSL|TLS|SELF_SIGNED/.test(code) || /certificate|TLS|SSL/i.test(message);
}
