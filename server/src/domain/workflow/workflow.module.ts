import { Module } from '@nestjs/common';
import { GroupModule } from '../group/group.module.ts';
import { EventModule } from '../event/event.module.ts';
import { NodesModule } from '../nodes/nodes.module.ts';
import { VaultModule } from '../vault/vault.module.ts';
import { DraftService } from './draft.service.ts';
import { VaultRemoval } from './vault-removal.ts';
import { WorkflowService } from './workflow.service.ts';
import { StorageModule } from '../storage/storage.module.ts';

/** Needs the Sandbox of the platform. */
@Module({
  imports: [StorageModule, EventModule, GroupModule, NodesModule, VaultModule],
  providers: [WorkflowService, DraftService, VaultRemoval],
  exports: [WorkflowService, DraftService, VaultRemoval],
})
export class WorkflowModule {}
