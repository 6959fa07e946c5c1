import { Module } from '@nestjs/common';
import { createNodeRegistry, NodeRegistry, OutgoingHttp } from './index.ts';

/** Needs the global module that provides OutgoingHttp. */
@Module({
  providers: [
    { provide: NodeRegistry, useFactory: (http: OutgoingHttp) => createNodeRegistry({ http }), inject: [OutgoingHttp] },
  ],
  exports: [NodeRegistry],
})
export class NodesModule {}
