import { Module } from '@nestjs/common';
import { KnownDevices } from './known-devices.ts';
import { LoginThrottle } from './login-throttle.ts';
import { SessionService } from './session.service.ts';

/** Needs a PasswordHasher and AccessTokens from the platform. */
@Module({
  providers: [SessionService, LoginThrottle, KnownDevices],
  exports: [SessionService, LoginThrottle, KnownDevices],
})
export class SessionModule {}
