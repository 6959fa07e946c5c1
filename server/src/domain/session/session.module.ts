import { Module } from '@nestjs/common';
import { LoginThrottle } from './login-throttle.ts';
import { SessionService } from './session.service.ts';

/** Needs a PasswordHasher and AccessTokens from the platform. */
@Module({ providers: [SessionService, LoginThrottle], exports: [SessionService, LoginThrottle] })
export class SessionModule {}
