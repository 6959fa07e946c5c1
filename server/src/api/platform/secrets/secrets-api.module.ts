import { Module } from '@nestjs/common';
import { VaultModule } from '../../../domain/vault/vault.module.ts';
import { SecretsController } from './secrets.controller.ts';

@Module({ imports: [VaultModule], controllers: [SecretsController] })
export class SecretsApiModule {}
