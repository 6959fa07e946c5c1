import { Module } from '@nestjs/common';
import { SessionModule } from '../session/session.module.ts';
import { PasswordResetThrottle } from './password-reset-throttle.ts';
import { PasswordResetTokens } from './password-reset-tokens.ts';
import { PasswordResetService } from './password-reset.service.ts';

/** Needs a PasswordHasher, AccountMail and a PublicUrl from the platform, and what the session module needs. */
@Module({
  imports: [SessionModule],
  providers: [PasswordResetService, PasswordResetThrottle, PasswordResetTokens],
  exports: [PasswordResetService, PasswordResetTokens],
})
export class PasswordResetModule {}
