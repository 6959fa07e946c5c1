import { Module } from '@nestjs/common';
import { createNodeRegistry, NodeRegistry, OutgoingHttp } from './index.ts';

/** Needs the global module that provides OutgoingHttp. */
@Module({
  providers: [{ provide: NodeRegistry, useFactory: createNodeRegistry, inject: [OutgoingHttp] }],
  exports: [NodeRegistry],
})
export class NodesModule {}
