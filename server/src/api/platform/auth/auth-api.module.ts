import { Module } from '@nestjs/common';
import { OrganisationModule } from '../../../domain/organisation/organisation.module.ts';
import { SessionModule } from '../../../domain/session/session.module.ts';
import { UserModule } from '../../../domain/user/user.module.ts';
import { AuthController } from './auth.controller.ts';

@Module({ imports: [OrganisationModule, SessionModule, UserModule], controllers: [AuthController] })
export class AuthApiModule {}
