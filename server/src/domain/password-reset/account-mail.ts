/** A message to a user about their account. */
export interface AccountMessage {
  /** Whose user it is. */
  readonly organisationId: string;
  readonly to: string;
  readonly subject: string;
  readonly text: string;
}

/** Mail of the platform itself to its users, by the operator's mail server. */
export abstract class AccountMail {
  /** Whether there is a mail server. */
  abstract readonly isConfigured: boolean;

  /** Hands the message to the server; throws when there is none, or it did not take the message. */
  abstract send(message: AccountMessage): Promise<void>;
}
