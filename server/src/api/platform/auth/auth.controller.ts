import { Controller } from '@nestjs/common';
import * as contract from '#generated/platform/index.ts';
import { OrganisationService } from '../../../domain/organisation/organisation.service.ts';
import { PasswordResetService } from '../../../domain/password-reset/password-reset.service.ts';
import { resetLifetimeSeconds } from '../../../domain/password-reset/password-reset-tokens.ts';
import { SessionService, type Credentials } from '../../../domain/session/session.service.ts';
import { UserService } from '../../../domain/user/user.service.ts';
import { ClientAddress } from '../../../platform/auth/client-address.ts';
import { CurrentCaller } from '../../../platform/auth/current-caller.ts';
import { Browser, DeviceCookie } from '../../../platform/auth/device-cookie.ts';
import type { Principal } from '../../../platform/auth/principal.ts';
import { SessionCookie } from '../../../platform/auth/session-cookie.ts';
import { toCurrentUser, toTokenPair } from './auth.mapper.ts';

@Controller()
export class AuthController implements contract.AuthController {
  constructor(
    private readonly sessions: SessionService,
    private readonly users: UserService,
    private readonly organisations: OrganisationService,
    private readonly resets: PasswordResetService,
    private readonly cookie: SessionCookie,
    private readonly deviceCookie: DeviceCookie,
  ) {}

  @contract.Login()
  async login(
    { body }: contract.Login.Request,
    @ClientAddress() address: string,
    @Browser() browser: Credentials['browser'],
  ): Promise<contract.Login.Response> {
    const issued = await this.sessions.login({ ...body, address, ...(browser && { browser }) });
    const cookies = [this.cookie.set(issued.cookie, issued.session.expiresAt)];
    if (issued.device) cookies.push(this.deviceCookie.set(issued.device));
    return contract.Login.respond(200, { data: toTokenPair(issued) }, { 'Set-Cookie': cookies });
  }

  @contract.RefreshSession()
  async refreshSession({ body }: contract.RefreshSession.Request): Promise<contract.RefreshSession.Response> {
    const issued = await this.sessions.refresh(body.refresh_token);
    const cookie = this.cookie.set(issued.cookie, issued.session.expiresAt);
    return contract.RefreshSession.respond(200, { data: toTokenPair(issued) }, { 'Set-Cookie': cookie });
  }

  @contract.RequestPasswordReset()
  async requestPasswordReset(
    { body }: contract.RequestPasswordReset.Request,
    @ClientAddress() address: string,
  ): Promise<contract.RequestPasswordReset.Response> {
    await this.resets.request(body.email, address);
    return contract.RequestPasswordReset.respond(202, { data: { expires_in: resetLifetimeSeconds } });
  }

  @contract.ConfirmPasswordReset()
  async confirmPasswordReset(
    { body }: contract.ConfirmPasswordReset.Request,
    @ClientAddress() address: string,
  ): Promise<contract.ConfirmPasswordReset.Response> {
    await this.resets.confirm({ ...body, address });
    return contract.ConfirmPasswordReset.respond(204);
  }

  @contract.Logout()
  async logout(
    _request: contract.Logout.Request,
    @CurrentCaller() { organisationId, sessionId }: Principal,
  ): Promise<contract.Logout.Response> {
    if (sessionId) await this.sessions.logout(organisationId, sessionId);
    return contract.Logout.respond(204, undefined, { 'Set-Cookie': this.cookie.clear() });
  }

  @contract.GetCurrentUser()
  async getCurrentUser(
    _request: contract.GetCurrentUser.Request,
    @CurrentCaller() caller: Principal,
  ): Promise<contract.GetCurrentUser.Response> {
    const organisation = await this.organisations.get(caller.organisationId);
    const user = await this.users.findBehind(caller);
    return contract.GetCurrentUser.respond(200, { data: toCurrentUser(caller, organisation, user) });
  }
}
