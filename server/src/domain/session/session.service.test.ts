import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import argon2 from 'argon2';
import { createTestDatabase, type TestDatabase } from '../../../test/database.ts';
import { cheapPasswords } from '../../../test/cheap-passwords.ts';
import { JwtAccessTokens } from '../../platform/auth/jwt-access-tokens.ts';
import { createOrm } from '../../platform/database/orm.ts';
import { OrganisationService } from '../organisation/organisation.service.ts';
import { User } from '../user/user.entity.ts';
import { UserService } from '../user/user.service.ts';
import { KnownDevice } from './known-device.entity.ts';
import { KnownDevices } from './known-devices.ts';
import { KnownLogin } from './known-login.entity.ts';
import { LoginAttempt } from './login-attempt.entity.ts';
import { LoginThrottle } from './login-throttle.ts';
import { RefreshToken } from './refresh-token.entity.ts';
import type { LoginThrottledError } from './session.errors.ts';
import { Session } from './session.entity.ts';
import { SessionService, type IssuedSession } from './session.service.ts';

const email = 'ada@example.com';
const password = 'correct horse battery staple';
const passwords = cheapPasswords();
const tokens = new JwtAccessTokens('a secret of at least thirty-two characters');
let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
  const organisations = new OrganisationService(database.orm.em, passwords);
  await organisations.bootstrap({ adminEmail: email, adminPassword: password });
});
beforeEach(async () => {
  await database.orm.em.fork().nativeDelete(LoginAttempt, {});
  await database.orm.em.fork().nativeDelete(KnownLogin, {});
  await database.orm.em.fork().nativeDelete(KnownDevice, {});
});
afterAll(() => database.drop());

/** A service with an EntityManager of its own, as each request has one. */
function sessions(orm = database.orm): SessionService {
  const em = orm.em.fork();
  return new SessionService(em, passwords, tokens, new LoginThrottle(em), new KnownDevices(em));
}

function login(address = '192.0.2.1'): Promise<IssuedSession> {
  return sessions().login({ email: 'Ada@Example.com ', password, address });
}

const invalid = { code: 'invalid_token' };

/** So many days after `from`, and the minutes that a busy machine takes. */
function expectDays(at: Date, from: Date, days: number): void {
  const late = at.getTime() - from.getTime() - days * 86_400_000;
  expect(late).toBeGreaterThanOrEqual(0);
  expect(late).toBeLessThan(10 * 60_000);
}

/** What was issued is of Ada, and works. */
async function letsIn(issuing: Promise<IssuedSession> | IssuedSession): Promise<void> {
  const { user, session, cookie, accessToken } = await issuing;
  expect(user.email).toBe(email);
  const caller = { userId: user.id, sessionId: session.id };
  expect(await sessions().authenticateCookie(cookie)).toMatchObject(caller);
  expect(await sessions().authenticateAccessToken(accessToken)).toMatchObject(caller);
}

describe('login', () => {
  test('gives an access token, a refresh token and a cookie, none of which is stored', async () => {
    const issued = await login();
    expect(issued.user.email).toBe(email);
    const em = database.orm.em.fork();
    const dump = JSON.stringify([
      await em.execute('select * from session'),
      await em.execute('select * from refresh_token'),
    ]);
    for (const secret of [issued.accessToken, issued.refreshToken, issued.cookie]) expect(dump).not.toContain(secret);
    const caller = await sessions().authenticateAccessToken(issued.accessToken);
    expect(caller).toMatchObject({ userId: issued.user.id, sessionId: issued.session.id, plan: 'business' });
    expect(await sessions().authenticateCookie(issued.cookie)).toEqual(caller);
  });

  test('an unknown address and a wrong password get the same answer', async () => {
    const messages: string[] = [];
    for (const attempt of [
      { email, password: 'wrong' },
      { email: 'nobody@example.com', password },
    ]) {
      await sessions()
        .login({ ...attempt, address: '192.0.2.1' })
        .catch((error: Error) => messages.push(`${(error as unknown as { code: string }).code} ${error.message}`));
    }
    expect(messages).toHaveLength(2);
    expect(messages[0]).toBe(messages[1]);
    expect(messages[0]).toContain('invalid_credentials');
  });

  test('an unknown address costs the same work as a wrong password: the password is verified once, against a hash of the same cost', async () => {
    const verified = jest.spyOn(argon2, 'verify');
    for (const name of [email, 'nobody@example.com']) {
      verified.mockClear();
      const attempt = sessions().login({ email: name, password: 'wrong', address: '192.0.2.1' });
      await expect(attempt).rejects.toMatchObject({ code: 'invalid_credentials' });
      expect(verified.mock.calls).toEqual([[expect.stringMatching(/^\$argon2id\$v=19\$m=8,p=1,t=1\$/), 'wrong']]);
    }
    verified.mockRestore();
  });

  test('a disabled account neither logs in nor goes on', async () => {
    const issued = await login();
    const em = database.orm.em.fork();
    await em.nativeUpdate(User, { email }, { disabledAt: new Date() });
    await expect(login()).rejects.toMatchObject({ code: 'invalid_credentials' });
    await expect(sessions().authenticateAccessToken(issued.accessToken)).rejects.toMatchObject(invalid);
    await expect(sessions().refresh(issued.refreshToken)).rejects.toMatchObject(invalid);
    await em.nativeUpdate(User, { email }, { disabledAt: null });
  });
});

describe('refresh', () => {
  test('each token works once and leads to the next', async () => {
    const first = await login();
    const second = await sessions().refresh(first.refreshToken);
    const third = await sessions().refresh(second.refreshToken);
    expect(new Set([first, second, third].map(({ refreshToken }) => refreshToken)).size).toBe(3);
    expect(third.session.id).toBe(first.session.id);
    await letsIn(third);
    await expect(sessions().authenticateCookie(first.cookie)).rejects.toMatchObject(invalid);
  });

  test('using one twice ends the session with all its tokens and its cookie', async () => {
    const first = await login();
    const second = await sessions().refresh(first.refreshToken);
    await expect(sessions().refresh(first.refreshToken)).rejects.toMatchObject(invalid);
    await expect(sessions().refresh(second.refreshToken)).rejects.toMatchObject(invalid);
    await expect(sessions().authenticateAccessToken(second.accessToken)).rejects.toMatchObject(invalid);
    await expect(sessions().authenticateCookie(second.cookie)).rejects.toMatchObject(invalid);
    const session = await database.orm.em.fork().findOneOrFail(Session, first.session.id);
    expect(session.endReason).toBe('token_reuse');
  });

  test('of many uses at once at most one succeeds', async () => {
    const { refreshToken } = await login();
    const uses = await Promise.allSettled(Array.from({ length: 8 }, () => sessions().refresh(refreshToken)));
    const [winner, ...others] = uses.filter(({ status }) => status === 'fulfilled');
    expect(others).toEqual([]);
    for (const use of uses) if (use.status === 'rejected') expect(use.reason).toMatchObject(invalid);
    // The others were uses of a token that was used before, which end the session for the one as well.
    const { accessToken } = (winner as PromiseFulfilledResult<IssuedSession>).value;
    await expect(sessions().authenticateAccessToken(accessToken)).rejects.toMatchObject(invalid);
  });

  test('tokens and cookies that were never issued are invalid', async () => {
    const issued = await login();
    await expect(sessions().refresh('fpr_nonsense')).rejects.toMatchObject(invalid);
    await expect(sessions().refresh(issued.cookie)).rejects.toMatchObject(invalid);
    await expect(sessions().authenticateCookie('nonsense')).rejects.toMatchObject(invalid);
    await expect(sessions().authenticateCookie(issued.refreshToken)).rejects.toMatchObject(invalid);
    await expect(sessions().authenticateAccessToken('nonsense')).rejects.toMatchObject(invalid);
  });

  test('a session that has expired says so to each of its tokens, gives no new ones, and is not ended by that', async () => {
    const issued = await login();
    const em = database.orm.em.fork();
    const expire = (inMs: number): Promise<number> =>
      em.nativeUpdate(Session, { id: issued.session.id }, { expiresAt: new Date(Date.now() + inMs) });
    await expire(60_000);
    await letsIn(issued);
    await expire(-1);
    const expired = { code: 'expired_token' };
    await expect(sessions().authenticateCookie(issued.cookie)).rejects.toMatchObject(expired);
    await expect(sessions().authenticateAccessToken(issued.accessToken)).rejects.toMatchObject(expired);
    await expect(sessions().callerOfSession(issued.session.id)).rejects.toMatchObject(expired);
    await expect(sessions().refresh(issued.refreshToken)).rejects.toMatchObject(expired);
    expect(await em.count(RefreshToken, { session: issued.session.id })).toBe(1);
    expect(await em.findOneOrFail(Session, issued.session.id)).toMatchObject({ endReason: null, endedAt: null });
  });

  test('a session lasts for thirty days from the login, however often it is refreshed', async () => {
    const from = new Date();
    const first = await login();
    expectDays(first.session.expiresAt, from, 30);
    const soon = new Date(Date.now() + 2 * 86_400_000);
    await database.orm.em.fork().nativeUpdate(Session, { id: first.session.id }, { expiresAt: soon });
    expect((await sessions().refresh(first.refreshToken)).session.expiresAt).toEqual(soon);
  });
});

describe('logout', () => {
  test('ends access tokens, refresh tokens and the cookie at once', async () => {
    const issued = await login();
    await sessions().logout(issued.user.organisation.id, issued.session.id);
    await expect(sessions().authenticateAccessToken(issued.accessToken)).rejects.toMatchObject(invalid);
    await expect(sessions().authenticateCookie(issued.cookie)).rejects.toMatchObject(invalid);
    await expect(sessions().refresh(issued.refreshToken)).rejects.toMatchObject(invalid);
  });

  test('does not reach into another organisation', async () => {
    const issued = await login();
    await sessions().logout('org_01kaq3vb41fg6r2t7w9y0a1c3e', issued.session.id);
    await letsIn(issued);
  });
});

describe('throttling', () => {
  const wrong = (address: string, name = email, orm = database.orm): Promise<unknown> =>
    sessions(orm)
      .login({ email: name, password: 'wrong', address })
      .then(
        () => 'in',
        (error: { code: string }) => error.code,
      );

  test('an account takes ten attempts in fifteen minutes from all addresses that it does not know, over all processes', async () => {
    const other = await createOrm({ url: database.url });
    const codes = await Promise.all(
      Array.from({ length: 14 }, (_, i) => wrong(`192.0.2.${i}`, email, i % 2 ? other : database.orm)),
    );
    await other.close();
    expect(codes.filter((code) => code === 'invalid_credentials')).toHaveLength(10);
    expect(codes.filter((code) => code === 'rate_limit_exceeded')).toHaveLength(4);
    await expect(login()).rejects.toMatchObject({
      code: 'rate_limit_exceeded',
      details: { limit: 10, retry_after: expect.any(Number) },
    });
  });

  test('its owner gets in from where they signed in before, while others guess from everywhere', async () => {
    await login('198.51.100.1');
    const codes: unknown[] = [];
    for (let i = 0; i < 12; i++) codes.push(await wrong(`192.0.2.${i}`));
    const guesses = Array.from({ length: 10 }, () => 'invalid_credentials');
    expect(codes).toEqual([...guesses, 'rate_limit_exceeded', 'rate_limit_exceeded']);
    // Their owner's password does not let them in either, from where the owner was never seen.
    await expect(login('198.51.100.2')).rejects.toMatchObject({ code: 'rate_limit_exceeded' });
    await letsIn(login('198.51.100.1'));
    await expect(login('198.51.100.2')).rejects.toMatchObject({ code: 'rate_limit_exceeded' });
    // What the others have tried is not forgiven by that.
    expect(await wrong('192.0.2.51')).toBe('rate_limit_exceeded');
  });

  test('ten wrong passwords from where the owner signs in keep out nobody but those who come from there', async () => {
    await login('198.51.100.1');
    for (let i = 0; i < 10; i++) expect(await wrong('198.51.100.1')).toBe('invalid_credentials');
    expect(await wrong('198.51.100.1')).toBe('rate_limit_exceeded');
    await letsIn(login('198.51.100.2'));
  });

  test('an address is forgotten when it was not used for ninety days, and is not in the database as it is', async () => {
    await login('198.51.100.1');
    const em = database.orm.em.fork();
    const [row, ...others] = await em.find(KnownLogin, {});
    expect(others).toEqual([]);
    expect(row!.subject).toMatch(/^[0-9a-f]{64}$/);
    await new LoginThrottle(em).purge();
    expect(await em.count(KnownLogin, {})).toBe(1);
    await em.nativeUpdate(KnownLogin, {}, { lastUsedAt: new Date(Date.now() - 89.99 * 86_400_000) });
    await new LoginThrottle(em).purge();
    expect(await em.count(KnownLogin, {})).toBe(1);
    await em.nativeUpdate(KnownLogin, {}, { lastUsedAt: new Date(Date.now() - 90.01 * 86_400_000) });
    await new LoginThrottle(em).purge();
    expect(await em.count(KnownLogin, {})).toBe(0);
  });

  test('an account that does not exist is throttled alike', async () => {
    for (let i = 0; i < 10; i++) await wrong('192.0.2.1', 'nobody@example.com');
    expect(await wrong('192.0.2.1', 'nobody@example.com')).toBe('rate_limit_exceeded');
  });

  describe('a device', () => {
    const loginIn = async (device?: string, address = '198.51.100.1'): Promise<string> => {
      const issued = await sessions().login({ email, password, address, browser: { device } });
      return issued.device!.cookie;
    };
    const wrongIn = (device: string, name = email, address = '198.51.100.1'): Promise<unknown> =>
      sessions()
        .login({ email: name, password: 'wrong', address, browser: { device } })
        .catch((error: { code: string }) => error.code);

    test('lets its owner in while others guess, also from the same address and from elsewhere', async () => {
      const device = await loginIn();
      for (let i = 0; i < 12; i++) await wrong('198.51.100.1');
      for (let i = 0; i < 12; i++) await wrong(`192.0.2.${i}`);
      await expect(login('198.51.100.1')).rejects.toMatchObject({ code: 'rate_limit_exceeded' });
      const next = await loginIn(device, '203.0.113.9');
      // What the others have tried is not forgiven by that.
      expect(await wrong('198.51.100.1')).toBe('rate_limit_exceeded');
      await expect(loginIn(next)).resolves.toMatch(/^\w{43}$/);
    });

    test('takes ten attempts, and costs neither the account nor the address any', async () => {
      const device = await loginIn();
      for (let i = 0; i < 10; i++) expect(await wrongIn(device)).toBe('invalid_credentials');
      expect(await wrongIn(device)).toBe('rate_limit_exceeded');
      await expect(loginIn(device)).rejects.toMatchObject({ code: 'rate_limit_exceeded', details: { limit: 10 } });
      await letsIn(login('198.51.100.1'));
      await letsIn(login('198.51.100.2'));
    });

    test('starts anew after a login in it', async () => {
      let device = await loginIn();
      for (let i = 0; i < 9; i++) await wrongIn(device);
      device = await loginIn(device);
      expect(await wrongIn(device)).toBe('invalid_credentials');
    });

    test('counts for no account but its own, and a made-up one for none', async () => {
      const device = await loginIn();
      for (let i = 0; i < 10; i++) await wrongIn(device, 'nobody@example.com');
      expect(await wrongIn(device, 'nobody@example.com')).toBe('rate_limit_exceeded');
      for (let i = 0; i < 10; i++) await wrongIn(`made up ${i}`, 'other@example.com');
      expect(await wrongIn('made up', 'other@example.com')).toBe('rate_limit_exceeded');
      expect(await wrongIn(device)).toBe('invalid_credentials');
    });

    test('gets a new cookie at each login, which ends the old one; none is in the database as it is', async () => {
      const first = await loginIn();
      const second = await loginIn(first);
      expect(second).not.toBe(first);
      const devices = new KnownDevices(database.orm.em.fork());
      expect([await devices.isOf(email, first), await devices.isOf(email, second)]).toEqual([false, true]);
      const em = database.orm.em.fork();
      const dump = JSON.stringify([
        await em.execute('select * from known_device'),
        await em.execute('select * from login_attempt'),
      ]);
      expect(dump).not.toContain(second);
      expect(await em.count(KnownDevice, {})).toBe(1);
    });

    test('is remembered for browsers only, and twenty of them for each user: the others are not known any more', async () => {
      const { device } = await sessions().login({ email, password, address: '198.51.100.1' });
      expect(device).toBeUndefined();
      const em = database.orm.em.fork();
      const { id } = await em.findOneOrFail(User, { email });
      const devices = new KnownDevices(em);
      const cookies: string[] = [];
      for (let i = 0; i < 22; i++) cookies.push((await devices.remember(id, undefined)).cookie);
      const known = await Promise.all(cookies.map((cookie) => devices.isOf(email, cookie)));
      expect(known).toEqual(cookies.map((_, i) => i >= 2));
    });

    test('is known for 180 days after the last login in it', async () => {
      const from = new Date();
      const { device } = await sessions().login({ email, password, address: '198.51.100.1', browser: {} as never });
      expectDays(device!.expiresAt, from, 180);
      const em = database.orm.em.fork();
      await em.nativeUpdate(KnownDevice, {}, { expiresAt: new Date(Date.now() + 1_000) });
      const again = await sessions().login({
        email,
        password,
        address: '198.51.100.1',
        browser: { device: device!.cookie },
      });
      const [known] = await em.find(KnownDevice, {});
      expect(known!.expiresAt).toEqual(again.device!.expiresAt);
      expectDays(known!.expiresAt, from, 180);
    });

    test('is not known any more after its time, and purged', async () => {
      const device = await loginIn();
      const em = database.orm.em.fork();
      const devices = new KnownDevices(em);
      expect(await devices.purge()).toBe(0);
      await em.nativeUpdate(KnownDevice, {}, { expiresAt: new Date(Date.now() - 1000) });
      expect(await devices.isOf(email, device)).toBe(false);
      expect(await devices.purge()).toBe(1);
    });

    test('is forgotten when the password is set anew', async () => {
      const device = await loginIn();
      const em = database.orm.em.fork();
      const { id } = await em.findOneOrFail(User, { email });
      await new UserService(em, passwords).setPassword(id, password);
      expect(await new KnownDevices(em).isOf(email, device)).toBe(false);
      for (let i = 0; i < 12; i++) await wrong(`192.0.2.${i}`);
      expect(await wrongIn(device, email, '192.0.2.77')).toBe('rate_limit_exceeded');
    });
  });

  test('an address takes a hundred attempts over all accounts', async () => {
    const throttle = new LoginThrottle(database.orm.em.fork());
    for (let i = 0; i < 100; i++) await throttle.admit(`user${i}@example.com`, '198.51.100.7');
    await expect(throttle.admit('another@example.com', '198.51.100.7')).rejects.toMatchObject({
      code: 'rate_limit_exceeded',
      details: { limit: 100 },
    });
    await expect(throttle.admit('another@example.com', '198.51.100.8')).resolves.toBeUndefined();
  });

  test('a login that works frees the account, and costs its address nothing', async () => {
    for (let i = 0; i < 9; i++) await wrong('192.0.2.1');
    await login();
    expect(await wrong('192.0.2.1')).toBe('invalid_credentials');
    const attempts = await database.orm.em.fork().find(LoginAttempt, {}, { orderBy: { attempts: 'asc' } });
    expect(attempts.map((row) => row.attempts)).toEqual([1, 10]);
  });

  test('the window passes', async () => {
    for (let i = 0; i < 11; i++) await wrong('192.0.2.1');
    const began = (minutesAgo: number): Promise<number> =>
      database.orm.em
        .fork()
        .nativeUpdate(LoginAttempt, {}, { windowStart: new Date(Date.now() - minutesAgo * 60_000) });
    await began(14.5);
    const { details } = (await login().catch((error: unknown) => error)) as LoginThrottledError;
    expect(details).toMatchObject({ limit: 10 });
    expect(details.retry_after).toBeGreaterThanOrEqual(1);
    expect(details.retry_after).toBeLessThanOrEqual(30);
    expect(await new LoginThrottle(database.orm.em.fork()).purge()).toBe(0);
    await began(15.1);
    await letsIn(login());
    await began(15.1);
    expect(await new LoginThrottle(database.orm.em.fork()).purge()).toBeGreaterThan(0);
    expect(await database.orm.em.fork().count(LoginAttempt, {})).toBe(0);
  });
});

test('purging removes sessions that ended long ago, with their tokens', async () => {
  const { session } = await login();
  const em = database.orm.em.fork();
  const ended = (daysAgo: number): Promise<number> =>
    em.nativeUpdate(Session, { id: session.id }, { expiresAt: new Date(Date.now() - daysAgo * 86_400_000) });
  await ended(29.99);
  expect(await sessions().purge()).toBe(0);
  expect(await em.count(RefreshToken, { session: session.id })).toBe(1);
  await ended(30.01);
  expect(await sessions().purge()).toBe(1);
  expect(await em.count(RefreshToken, { session: session.id })).toBe(0);
});
