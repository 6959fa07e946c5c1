import type { Authenticator, Credential, RequestContext } from '#runtime/nest/index.ts';
import { Injectable } from '@nestjs/common';
import { ApiKeyService } from '../../domain/api-key/api-key.service.ts';
import { hasApiKeyMarker } from '../../domain/api-key/api-key-text.ts';
import { SessionService } from '../../domain/session/session.service.ts';
import { StreamTicketService } from '../../domain/stream-ticket/stream-ticket.service.ts';
import { Config } from '../config/config.ts';
import type { Principal } from './principal.ts';
import { assertSameOrigin } from './same-origin.ts';
import { SessionCookie } from './session-cookie.ts';

/** `X-API-Key`. */
@Injectable()
export class ApiKeyAuthenticator implements Authenticator<Principal> {
  constructor(private readonly apiKeys: ApiKeyService) {}

  async authenticate({ value }: Credential): Promise<Principal> {
    return { ...(await this.apiKeys.authenticate(value)), method: 'api_key' };
  }
}

/** `Authorization: Bearer`, an API key or an access token. */
@Injectable()
export class BearerAuthenticator implements Authenticator<Principal> {
  constructor(
    private readonly apiKeys: ApiKeyService,
    private readonly sessions: SessionService,
  ) {}

  async authenticate({ value }: Credential): Promise<Principal> {
    if (hasApiKeyMarker(value)) return { ...(await this.apiKeys.authenticate(value)), method: 'api_key' };
    return { ...(await this.sessions.authenticateAccessToken(value)), method: 'access_token' };
  }
}

/** `?ticket=`, used up by looking at it. */
@Injectable()
export class StreamTicketAuthenticator implements Authenticator<Principal> {
  constructor(private readonly tickets: StreamTicketService) {}

  async authenticate({ value }: Credential): Promise<Principal> {
    const { caller, terms } = await this.tickets.redeem(value);
    return { ...caller, method: caller.apiKeyId === undefined ? 'access_token' : 'api_key', ticket: terms };
  }
}

/** The cookie of a login; on writes only for pages of this site and of the origins that CORS allows. */
@Injectable()
export class SessionCookieAuthenticator implements Authenticator<Principal> {
  /** Where the credential is found besides the contract's name. */
  readonly names: readonly string[];
  private readonly trustedOrigins: readonly string[];

  constructor(
    private readonly sessions: SessionService,
    cookie: SessionCookie,
    config: Config,
  ) {
    this.names = [cookie.name];
    const { CORS_ORIGINS, PUBLIC_URL } = config.settings;
    this.trustedOrigins = PUBLIC_URL ? [...CORS_ORIGINS, new URL(PUBLIC_URL).origin] : CORS_ORIGINS;
  }

  async authenticate({ value }: Credential, { request }: RequestContext): Promise<Principal> {
    const { method, headers } = request;
    const fetchSite = first(headers['sec-fetch-site']);
    assertSameOrigin({ method, fetchSite, origin: headers.origin, host: headers.host }, this.trustedOrigins);
    return { ...(await this.sessions.authenticateCookie(value)), method: 'session_cookie' };
  }
}

function first(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}
