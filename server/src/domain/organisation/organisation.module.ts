import { Module } from '@nestjs/common';
import { OrganisationService } from './organisation.service.ts';

/** Needs a PasswordHasher from the platform. */
@Module({ providers: [OrganisationService], exports: [OrganisationService] })
export class OrganisationModule {}
