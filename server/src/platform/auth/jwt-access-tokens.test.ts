import { describe, expect, test } from '@jest/globals';
import { decodeProtectedHeader, SignJWT, UnsecuredJWT } from 'jose';
import { createHash } from 'node:crypto';
import { JwtAccessTokens } from './jwt-access-tokens.ts';

const secret = 'a secret of at least thirty-two characters';
const tokens = new JwtAccessTokens(secret);
const key = createHash('sha256').update(`flowpact-api\0${secret}`).digest();
const claims = { sessionId: 'ses_1', userId: 'user_1', organisationId: 'org_1' };
const kid = decodeProtectedHeader(await tokens.issue(claims)).kid!;

/** A token that is right but for what a test changes. */
function forge(header: object = {}, payload: Record<string, unknown> = {}, signKey: Uint8Array = key): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  const body = {
    sid: 'ses_1',
    org: 'org_1',
    sub: 'user_1',
    iss: 'flowpact',
    aud: 'flowpact-api',
    iat: now,
    exp: now + 60,
  };
  return new SignJWT({ ...body, ...payload })
    .setProtectedHeader({ alg: 'HS256', typ: 'at+jwt', kid, ...header })
    .sign(signKey);
}

const seconds = (ahead: number): number => Math.floor(Date.now() / 1000) + ahead;

describe('access tokens', () => {
  test('say what they were given', async () => {
    expect(await tokens.verify(await tokens.issue(claims))).toEqual(claims);
    expect(await tokens.verify(await forge())).toEqual(claims);
  });

  test('an expired one is told apart', async () => {
    const token = await forge({}, { exp: Math.floor(Date.now() / 1000) - 10 });
    await expect(tokens.verify(token)).rejects.toMatchObject({ code: 'expired_token' });
  });

  test('one that claims to last longer than any is issued for has expired all the same', async () => {
    const token = await forge({}, { iat: seconds(-3_600), exp: seconds(3_600) });
    await expect(tokens.verify(token)).rejects.toMatchObject({ code: 'expired_token' });
  });

  test('clocks may be a little apart', async () => {
    await expect(tokens.verify(await forge({}, { iat: seconds(2) }))).resolves.toEqual(claims);
  });

  test('an expired forgery is a forgery', async () => {
    const token = await forge({}, { exp: 1 }, new Uint8Array(32));
    await expect(tokens.verify(token)).rejects.toMatchObject({ code: 'invalid_token' });
  });

  test.each<[string, () => Promise<string> | string]>([
    ['another key', () => forge({}, {}, new Uint8Array(32))],
    ['another key id', () => forge({ kid: 'other' })],
    ['another algorithm', () => forge({ alg: 'HS512' }, {}, new Uint8Array(64))],
    ['no algorithm', () => new UnsecuredJWT({ sid: 'ses_1', org: 'org_1', sub: 'user_1' }).encode()],
    ['another issuer', () => forge({}, { iss: 'somebody' })],
    ['another audience', () => forge({}, { aud: 'other-api' })],
    ['another type', () => forge({ typ: 'JWT' })],
    ['no session', () => forge({}, { sid: undefined })],
    ['no end', () => forge({}, { exp: undefined })],
    ['no time of issue', () => forge({}, { iat: undefined })],
    ['a time of issue in the future', () => forge({}, { iat: seconds(60), exp: seconds(120) })],
    ['a beginning in the future', () => forge({}, { nbf: seconds(60) })],
    ['nonsense', () => 'a.b.c'],
    ['nothing', () => ''],
  ])('one with %s is invalid', async (_, make) => {
    await expect(tokens.verify(await make())).rejects.toMatchObject({ code: 'invalid_token' });
  });

  test('a token of an installation with another secret is invalid', async () => {
    const other = new JwtAccessTokens('another secret of thirty-two characters');
    await expect(tokens.verify(await other.issue(claims))).rejects.toMatchObject({ code: 'invalid_token' });
  });
});
