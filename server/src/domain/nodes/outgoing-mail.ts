/** Mail to other servers. Refuses private networks as OutgoingHttp does. */
export abstract class OutgoingMail {
  /** Hands the message to the server; throws an OutgoingMailError when it did not take it for anybody. */
  abstract send(message: OutgoingMessage, server: MailServer, limits: MailLimits): Promise<SentMessage>;
}

/** A server that takes mail. */
export interface MailServer {
  readonly host: string;
  readonly port: number;
  /** `tls` from the first byte, `starttls` before anything is said, `none` in the clear. */
  readonly security: 'tls' | 'starttls' | 'none';
  readonly username?: string | undefined;
  readonly password?: string | undefined;
}

/** How long it may take. */
export interface MailLimits {
  /** Milliseconds until the server has taken the message. */
  readonly timeout: number;
  readonly signal: AbortSignal;
}

/** Something attached to a message. */
export interface MailAttachment {
  readonly filename: string;
  readonly content: Buffer;
  readonly contentType?: string | undefined;
}

/** A message; addresses are as RFC 5322 writes them, `Name <local@domain>` or bare. */
export interface OutgoingMessage {
  readonly messageId: string;
  readonly from: string;
  readonly to: readonly string[];
  readonly cc: readonly string[];
  readonly bcc: readonly string[];
  readonly replyTo?: string | undefined;
  readonly subject: string;
  readonly text?: string | undefined;
  readonly html?: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly attachments: readonly MailAttachment[];
}

/** For whom the server took the message. */
export interface SentMessage {
  readonly accepted: readonly string[];
  readonly rejected: readonly string[];
}

/** Why the server did not take it. */
export type MailFailure =
  'refused_address' | 'connection' | 'tls' | 'auth' | 'rejected' | 'timeout' | 'invalid' | 'aborted';

/** A message that was not taken. */
export class OutgoingMailError extends Error {
  readonly reason: MailFailure;
  /** The SMTP reply code, where the server gave one. */
  readonly responseCode: number | undefined;

  constructor(reason: MailFailure, message: string, responseCode?: number, options?: ErrorOptions) {
    super(message, options);
    this.name = 'OutgoingMailError';
    this.reason = reason;
    this.responseCode = responseCode;
  }
}
