import { Module, type DynamicModule, type ModuleMetadata } from '@nestjs/common';
import { PlatformApiModule } from './api/platform/platform-api.module.ts';
import { CryptoModule } from './platform/crypto/crypto.module.ts';
import { EngineModule } from './platform/engine/engine.module.ts';
import { HousekeepingModule } from './platform/housekeeping/housekeeping.module.ts';
import { LiveModule } from './platform/live/live.module.ts';
import { OutgoingModule } from './platform/outgoing/outgoing.module.ts';
import { PagesModule } from './pages/pages.module.ts';
import { PlatformModule, type PlatformParts } from './platform/platform.module.ts';
import { SandboxModule } from './platform/sandbox/sandbox.module.ts';
import { WorkerLoopsModule } from './platform/worker-loops/worker-loops.module.ts';

/** The whole server: technical services, and one module per contract that it serves. */
@Module({})
export class AppModule {
  /** `more` are modules that a test adds, for example with a guard of its own. */
  static forRoot(parts: PlatformParts, more: ModuleMetadata['imports'] = []): DynamicModule {
    const technical = [
      CryptoModule,
      WorkerLoopsModule,
      EngineModule,
      LiveModule,
      SandboxModule,
      OutgoingModule,
      HousekeepingModule,
    ];
    return {
      module: AppModule,
      imports: [PlatformModule.forRoot(parts), ...technical, PlatformApiModule, PagesModule, ...more],
    };
  }
}
