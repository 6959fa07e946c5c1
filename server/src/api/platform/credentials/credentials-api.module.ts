import { Module } from '@nestjs/common';
import { VaultModule } from '../../../domain/vault/vault.module.ts';
import { CredentialsController } from './credentials.controller.ts';

@Module({ imports: [VaultModule], controllers: [CredentialsController] })
export class CredentialsApiModule {}
