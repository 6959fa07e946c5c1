import { Module } from '@nestjs/common';
import { OrganisationModule } from '../../../domain/organisation/organisation.module.ts';
import { PasswordResetModule } from '../../../domain/password-reset/password-reset.module.ts';
import { SessionModule } from '../../../domain/session/session.module.ts';
import { UserModule } from '../../../domain/user/user.module.ts';
import { AuthController } from './auth.controller.ts';

@Module({
  imports: [OrganisationModule, PasswordResetModule, SessionModule, UserModule],
  controllers: [AuthController],
})
export class AuthApiModule {}
