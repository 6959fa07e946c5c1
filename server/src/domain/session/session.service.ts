import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { AuthenticatedCaller } from '../caller.ts';
import { newId } from '../id.ts';
import type { Plan } from '../organisation/plan.ts';
import { runPrepared, type PreparedQuery } from '../prepared-query.ts';
import { randomBase62, sha256 } from '../secret.ts';
import { PasswordHasher } from '../user/password-hasher.ts';
import { scopesOfRole, type Role } from '../user/role.ts';
import { normaliseEmail, User } from '../user/user.entity.ts';
import { AccessTokens } from './access-tokens.ts';
import { KnownDevices, type IssuedDevice } from './known-devices.ts';
import { LoginThrottle } from './login-throttle.ts';
import { RefreshToken } from './refresh-token.entity.ts';
import { ExpiredTokenError, InvalidCredentialsError, InvalidTokenError } from './session.errors.ts';
import { Session } from './session.entity.ts';

/** A login ends after this, however often it was refreshed. */
const sessionLifetimeMs = 30 * 24 * 60 * 60 * 1000;

/** How long ended sessions are kept, so that the reuse of a stolen token is still told from nonsense. */
const keepEndedMs = 30 * 24 * 60 * 60 * 1000;

/** What a login is tried with. */
export interface Credentials {
  readonly email: string;
  readonly password: string;
  /** Where the attempt comes from; logins are counted per address. */
  readonly address: string;
  /** Absent for clients that are no browsers: those keep no cookies, and are not remembered. */
  readonly browser?: {
    /** What its cookie holds, if it has one. */
    readonly device: string | undefined;
  };
}

/** What a client holds of a session. All three are secrets. */
export interface IssuedSession {
  readonly user: User;
  readonly session: Session;
  readonly accessToken: string;
  /** Seconds. */
  readonly accessTokenLifetime: number;
  readonly accessTokenExpiresAt: Date;
  /** Can be exchanged once. */
  readonly refreshToken: string;
  /** For browsers, instead of the tokens. */
  readonly cookie: string;
}

/** What a login gives. */
export interface LoggedIn extends IssuedSession {
  /** By which the browser is known the next time. */
  readonly device: IssuedDevice | undefined;
}

/** Logins of users. */
@Injectable()
export class SessionService {
  constructor(
    private readonly em: EntityManager,
    private readonly passwords: PasswordHasher,
    private readonly accessTokens: AccessTokens,
    private readonly throttle: LoginThrottle,
    private readonly devices: KnownDevices,
  ) {}

  /** Throws InvalidCredentialsError or LoginThrottledError. */
  async login({ email, password, address, browser }: Credentials): Promise<LoggedIn> {
    const presented = browser?.device;
    const device = presented !== undefined && (await this.devices.isOf(email, presented)) ? presented : undefined;
    await this.throttle.admit(email, address, device);
    const user = await this.em.findOne(User, { email: normaliseEmail(email) }, { populate: ['organisation'] });
    const correct = await this.passwords.verify(user?.passwordHash, password);
    if (!user || !correct || !user.isActive()) throw new InvalidCredentialsError();
    const session = this.em.create(Session, {
      id: newId('ses'),
      organisation: user.organisation,
      user,
      cookieHash: '',
      expiresAt: new Date(Date.now() + sessionLifetimeMs),
    });
    const issued = await this.issue(this.em, session);
    await this.em.flush();
    await this.throttle.forgive(email, address, device);
    return { ...issued, device: browser && (await this.devices.remember(user.id, device)) };
  }

  /**
   * Exchanges a refresh token for new tokens and a new cookie. A token used before ends the whole session, for the thief
   * and the owner alike. Throws InvalidTokenError or ExpiredTokenError.
   */
  async refresh(refreshToken: string): Promise<IssuedSession> {
    const hash = sha256(refreshToken);
    // A transaction of its own: the end of a session must stay although this method throws.
    const outcome = await this.em.fork().transactional(async (em) => {
      const firstUse = await em.nativeUpdate(RefreshToken, { hash, usedAt: null }, { usedAt: new Date() });
      const token = await em.findOne(RefreshToken, { hash }, { populate: ['session.user.organisation'] });
      if (!token) return new InvalidTokenError('The refresh token is not valid. Log in again.');
      const { session } = token;
      if (firstUse === 0) {
        session.end('token_reuse');
        return new InvalidTokenError('The refresh token was used before, so its session has been ended. Log in again.');
      }
      const { endedAt, user } = session;
      const state = { ended: Boolean(endedAt), disabled: !user.isActive(), expired: !session.isLive() };
      return refusal(state) ?? (await this.issue(em, session));
    });
    if (outcome instanceof Error) throw outcome;
    return outcome;
  }

  /** Ends the session with all its tokens and its cookie; repeating it changes nothing. */
  async logout(organisationId: string, sessionId: string): Promise<void> {
    const session = await this.em.findOne(Session, { id: sessionId, organisation: organisationId });
    session?.end('logout');
    await this.em.flush();
  }

  /** Whose access token this is. Throws InvalidTokenError or ExpiredTokenError; also when its session has ended. */
  async authenticateAccessToken(accessToken: string): Promise<AuthenticatedCaller> {
    const { sessionId } = await this.accessTokens.verify(accessToken);
    return this.callerOf(selectSessionById, sessionId);
  }

  /** The session as it is now, for what was made with it. Throws InvalidTokenError or ExpiredTokenError. */
  callerOfSession(sessionId: string): Promise<AuthenticatedCaller> {
    return this.callerOf(selectSessionById, sessionId);
  }

  /** Whose cookie this is. Throws InvalidTokenError or ExpiredTokenError. */
  authenticateCookie(cookie: string): Promise<AuthenticatedCaller> {
    return this.callerOf(selectSessionByCookie, sha256(cookie));
  }

  /** Removes sessions that ended long ago, with their tokens, and says how many. */
  async purge(): Promise<number> {
    const longAgo = new Date(Date.now() - keepEndedMs);
    return this.em.fork().nativeDelete(Session, { expiresAt: { $lt: longAgo } });
  }

  // Outside of the request's transaction, and without entities: every request pays for this.
  private async callerOf(query: PreparedQuery, value: string): Promise<AuthenticatedCaller> {
    const [session] = await runPrepared<PresentedSession>(this.em, query, [value]);
    if (!session) throw new InvalidTokenError();
    const refused = refusal(session);
    if (refused) throw refused;
    const { id, user_id, organisation_id, role, plan } = session;
    return { organisationId: organisation_id, userId: user_id, sessionId: id, scopes: scopesOfRole(role), plan };
  }

  private async issue(em: EntityManager, session: Session): Promise<IssuedSession> {
    const { user } = session;
    const refreshToken = `fpr_${randomBase62(43)}`;
    const cookie = randomBase62(43);
    em.create(RefreshToken, { hash: sha256(refreshToken), session });
    session.cookieHash = sha256(cookie);
    const accessToken = await this.accessTokens.issue({
      sessionId: session.id,
      userId: user.id,
      organisationId: user.organisation.id,
    });
    const { lifetimeSeconds } = this.accessTokens;
    return {
      user,
      session,
      accessToken,
      accessTokenLifetime: lifetimeSeconds,
      accessTokenExpiresAt: new Date(Date.now() + lifetimeSeconds * 1000),
      refreshToken,
      cookie,
    };
  }
}

interface SessionState {
  ended: boolean;
  disabled: boolean;
  expired: boolean;
}

interface PresentedSession extends SessionState {
  id: string;
  user_id: string;
  organisation_id: string;
  role: Role;
  plan: Plan;
}

const selectPresentedSession = `
  select s.id, s.user_id, s.organisation_id, u.role, o.plan,
    s.ended_at is not null as ended, u.disabled_at is not null as disabled, s.expires_at <= now() as expired
  from session s
  join user_account u on u.id = s.user_id
  join organisation o on o.id = s.organisation_id`;

const selectSessionById: PreparedQuery = {
  name: 'flowpact_session_by_id',
  text: `${selectPresentedSession} where s.id = $1`,
};

const selectSessionByCookie: PreparedQuery = {
  name: 'flowpact_session_by_cookie',
  text: `${selectPresentedSession} where s.cookie_hash = $1`,
};

function refusal({ ended, disabled, expired }: SessionState): InvalidTokenError | ExpiredTokenError | undefined {
  if (ended) return new InvalidTokenError('The session has ended. Log in again.');
  if (disabled) return new InvalidTokenError('The account is disabled.');
  if (expired) return new ExpiredTokenError('The session has expired. Log in again.');
  return undefined;
}
