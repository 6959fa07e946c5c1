import { Global, Module } from '@nestjs/common';
import { ApiKeyModule } from '../../domain/api-key/api-key.module.ts';
import { AccessTokens } from '../../domain/session/access-tokens.ts';
import { SessionModule } from '../../domain/session/session.module.ts';
import { StreamTicketModule } from '../../domain/stream-ticket/stream-ticket.module.ts';
import { PasswordHasher } from '../../domain/user/password-hasher.ts';
import { Config } from '../config/config.ts';
import { Argon2PasswordHasher } from './argon2-password-hasher.ts';
import {
  ApiKeyAuthenticator,
  BearerAuthenticator,
  SessionCookieAuthenticator,
  StreamTicketAuthenticator,
} from './authenticators.ts';
import { DeviceCookie } from './device-cookie.ts';
import { JwtAccessTokens } from './jwt-access-tokens.ts';
import { SessionCookie } from './session-cookie.ts';

/** Passwords, access tokens and cookies; one authenticator for each security scheme of the contracts. */
@Global()
@Module({
  imports: [ApiKeyModule, SessionModule, StreamTicketModule],
  providers: [
    { provide: PasswordHasher, useFactory: () => new Argon2PasswordHasher() },
    { provide: AccessTokens, inject: [Config], useFactory: accessTokens },
    SessionCookie,
    DeviceCookie,
    ApiKeyAuthenticator,
    BearerAuthenticator,
    SessionCookieAuthenticator,
    StreamTicketAuthenticator,
  ],
  exports: [
    PasswordHasher,
    AccessTokens,
    SessionCookie,
    DeviceCookie,
    ApiKeyAuthenticator,
    BearerAuthenticator,
    SessionCookieAuthenticator,
    StreamTicketAuthenticator,
  ],
})
export class AuthModule {}

function accessTokens({ settings }: Config): AccessTokens {
  if (!settings.AUTH_SECRET) throw new Error('AUTH_SECRET is empty: the start of the server fills it in before this.');
  return new JwtAccessTokens(settings.AUTH_SECRET);
}
