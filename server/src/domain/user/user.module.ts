import { Module } from '@nestjs/common';
import { UserService } from './user.service.ts';

/** Needs a PasswordHasher from the platform. */
@Module({ providers: [UserService], exports: [UserService] })
export class UserModule {}
