import { Module } from '@nestjs/common';
import { KvModule } from '../kv/kv.module.ts';
import { KvSteps } from '../kv/kv-steps.ts';
import { Vault } from '../vault/vault.ts';
import { VaultModule } from '../vault/vault.module.ts';
import { createNodeRegistry, NodeRegistry, OutgoingHttp, OutgoingMail } from './index.ts';

/** Needs the global modules that provide OutgoingHttp, OutgoingMail, Sealer and WorkerLoops. */
@Module({
  imports: [VaultModule, KvModule],
  providers: [
    {
      provide: NodeRegistry,
      useFactory: (http: OutgoingHttp, mail: OutgoingMail, vault: Vault, kv: KvSteps) =>
        createNodeRegistry({ http, mail, vault, kv }),
      inject: [OutgoingHttp, OutgoingMail, Vault, KvSteps],
    },
  ],
  exports: [NodeRegistry],
})
export class NodesModule {}
