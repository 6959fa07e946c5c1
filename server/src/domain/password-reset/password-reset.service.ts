import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable, Logger } from '@nestjs/common';
import { PublicUrl } from '../public-url.ts';
import { LoginThrottle } from '../session/login-throttle.ts';
import { outsideOrganisations } from '../tenancy/current-organisation.ts';
import { PasswordHasher } from '../user/password-hasher.ts';
import { storePassword } from '../user/store-password.ts';
import { normaliseEmail, User } from '../user/user.entity.ts';
import { AccountMail, type AccountMessage } from './account-mail.ts';
import { InvalidResetTokenError, MailNotConfiguredError } from './password-reset.errors.ts';
import { PasswordResetThrottle } from './password-reset-throttle.ts';
import { PasswordResetTokens } from './password-reset-tokens.ts';
import { changedMessage, resetMessage } from './reset-messages.ts';

/** A token with the password that it is to set. */
export interface PasswordResetConfirmation {
  readonly token: string;
  readonly password: string;
  /** Where it came from. */
  readonly address: string;
}

/** How the owner of an account gets back in: by a mail. */
@Injectable()
export class PasswordResetService {
  private readonly logger = new Logger(PasswordResetService.name);
  private readonly underWay = new Set<Promise<void>>();

  constructor(
    private readonly em: EntityManager,
    private readonly passwords: PasswordHasher,
    private readonly throttle: PasswordResetThrottle,
    private readonly logins: LoginThrottle,
    private readonly tokens: PasswordResetTokens,
    private readonly mail: AccountMail,
    private readonly publicUrl: PublicUrl,
  ) {}

  /**
   * Has a mail sent if an active user has the address. Neither what this answers nor the time it takes says whether there
   * is one: that is looked up afterwards. Throws MailNotConfiguredError or PasswordResetThrottledError.
   */
  async request(email: string, address: string): Promise<void> {
    if (!this.mail.isConfigured) throw new MailNotConfiguredError();
    await this.throttle.admit(email, address);
    this.afterwards(() => this.sendLink(email));
  }

  /**
   * Sets the password, as UserService does, uses the token up, and lets the address count as one that the account knows: its
   * attempts to sign in are not those of others who guess. Throws InvalidResetTokenError.
   */
  async confirm({ token, password, address }: PasswordResetConfirmation): Promise<void> {
    // First, so that only who has a token makes the server hash.
    if (!(await this.tokens.isGood(token))) throw new InvalidResetTokenError();
    const passwordHash = await this.passwords.hash(password);
    const user = await this.em.fork().transactional(async (em) => {
      const userId = await this.tokens.take(em, token);
      return userId === undefined ? undefined : (await storePassword(em, userId, passwordHash)).user;
    });
    if (!user) throw new InvalidResetTokenError();
    await this.logins.know(user.email, address);
    this.afterwards(() => this.send(user, changedMessage(user)));
  }

  /** Mails that were promised are sent before the process ends. */
  async beforeApplicationShutdown(): Promise<void> {
    await Promise.all(this.underWay);
  }

  private async sendLink(email: string): Promise<void> {
    const where = { email: normaliseEmail(email), disabledAt: null };
    const user = await this.em.fork().findOne(User, where, { populate: ['organisation'] });
    if (!user) return;
    const { token } = await this.tokens.issue(user.id);
    await this.send(user, resetMessage(user, this.publicUrl, token));
  }

  private async send({ id }: User, message: AccountMessage): Promise<void> {
    if (!this.mail.isConfigured) return;
    try {
      await this.mail.send(message);
    } catch (err) {
      this.logger.error({ err, user_id: id, subject: message.subject }, 'A mail to a user was not sent');
    }
  }

  private afterwards(work: () => Promise<void>): void {
    const done = outsideOrganisations(work).catch((err: unknown) =>
      this.logger.error({ err }, 'A password could not be reset by mail'),
    );
    this.underWay.add(done);
    void done.finally(() => this.underWay.delete(done));
  }
}
