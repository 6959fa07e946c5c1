import { createHash, randomUUID } from 'node:crypto';
import { errors, jwtVerify, SignJWT, type JWTVerifyResult } from 'jose';
import { AccessTokens, type AccessTokenClaims } from '../../domain/session/access-tokens.ts';
import { ExpiredTokenError, InvalidTokenError } from '../../domain/session/session.errors.ts';

const algorithm = 'HS256';
const issuer = 'flowpact';
const audience = 'flowpact-api';
/** RFC 9068: an access token is not to be taken for any other JWT. */
const type = 'at+jwt';

/** How far the clocks of the processes of one installation may be apart. */
const clockToleranceSeconds = 5;

/** Access tokens as JWTs of 15 minutes, signed with the secret that all processes of an installation share. */
export class JwtAccessTokens extends AccessTokens {
  readonly lifetimeSeconds = 15 * 60;
  private readonly key: Uint8Array;
  /** Names the secret without giving it away, so that tokens of another secret are told apart. */
  private readonly keyId: string;

  constructor(secret: string) {
    super();
    this.key = createHash('sha256').update(`${audience}\0${secret}`).digest();
    this.keyId = createHash('sha256').update(this.key).digest('hex').slice(0, 16);
  }

  issue({ sessionId, userId, organisationId }: AccessTokenClaims): Promise<string> {
    return new SignJWT({ sid: sessionId, org: organisationId })
      .setProtectedHeader({ alg: algorithm, typ: type, kid: this.keyId })
      .setIssuer(issuer)
      .setAudience(audience)
      .setSubject(userId)
      .setJti(randomUUID())
      .setIssuedAt()
      .setExpirationTime(`${this.lifetimeSeconds}s`)
      .sign(this.key);
  }

  async verify(token: string): Promise<AccessTokenClaims> {
    const { payload, protectedHeader } = await this.decode(token);
    const { sid, sub, org } = payload;
    if (protectedHeader.kid !== this.keyId) throw new InvalidTokenError();
    if (typeof sid !== 'string' || typeof sub !== 'string' || typeof org !== 'string') throw new InvalidTokenError();
    return { sessionId: sid, userId: sub, organisationId: org };
  }

  private async decode(token: string): Promise<JWTVerifyResult> {
    try {
      return await jwtVerify(token, this.key, {
        algorithms: [algorithm],
        issuer,
        audience,
        typ: type,
        requiredClaims: ['exp', 'iat'],
        // Also refuses what was issued in the future.
        maxTokenAge: this.lifetimeSeconds,
        clockTolerance: clockToleranceSeconds,
      });
    } catch (cause) {
      if (cause instanceof errors.JWTExpired) throw new ExpiredTokenError(undefined, { cause });
      if (cause instanceof errors.JOSEError) throw new InvalidTokenError(undefined, { cause });
      throw cause;
    }
  }
}
