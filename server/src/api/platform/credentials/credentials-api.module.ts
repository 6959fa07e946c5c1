import { Module } from '@nestjs/common';
import { VaultModule } from '../../../domain/vault/vault.module.ts';
import { WorkflowModule } from '../../../domain/workflow/workflow.module.ts';
import { CredentialsController } from './credentials.controller.ts';

@Module({ imports: [VaultModule, WorkflowModule], controllers: [CredentialsController] })
export class CredentialsApiModule {}
