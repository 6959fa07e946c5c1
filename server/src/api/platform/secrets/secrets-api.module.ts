import { Module } from '@nestjs/common';
import { VaultModule } from '../../../domain/vault/vault.module.ts';
import { WorkflowModule } from '../../../domain/workflow/workflow.module.ts';
import { SecretsController } from './secrets.controller.ts';

@Module({ imports: [VaultModule, WorkflowModule], controllers: [SecretsController] })
export class SecretsApiModule {}
