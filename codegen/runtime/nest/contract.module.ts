import { Module, type DynamicModule, type FactoryProvider, type ModuleMetadata } from '@nestjs/common';

import type { ContractModuleOptions } from './options.ts';

/** `forRootAsync`: options from other providers. */
export interface ContractModuleAsyncOptions extends Pick<ModuleMetadata, 'imports'> {
  readonly inject?: FactoryProvider['inject'];
  readonly useFactory: (...dependencies: never[]) => ContractModuleOptions | Promise<ContractModuleOptions>;
}

/** Serves contracts: import it once, in the application's root module. */
export class ContractModule {
  static forRoot(options: ContractModuleOptions): DynamicModule {
    return ContractModule.forRootAsync({ useFactory: () => options });
  }

  static forRootAsync(options: ContractModuleAsyncOptions): DynamicModule {
    return { module: ContractModule, imports: options.imports ?? [], providers: [] };
  }
}
// A call, since Node's type stripping knows no decorators.
Module({})(ContractModule);
