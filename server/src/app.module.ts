import { Module, type DynamicModule, type ModuleMetadata } from '@nestjs/common';
import { PlatformApiModule } from './api/platform/platform-api.module.ts';
import { PlatformModule, type PlatformParts } from './platform/platform.module.ts';

/** The whole server: technical services, and one module per contract that it serves. */
@Module({})
export class AppModule {
  /** `more` are modules that a test adds, for example with a guard of its own. */
  static forRoot(parts: PlatformParts, more: ModuleMetadata['imports'] = []): DynamicModule {
    return { module: AppModule, imports: [PlatformModule.forRoot(parts), PlatformApiModule, ...more] };
  }
}
