import { Module, type DynamicModule, type FactoryProvider, type ModuleMetadata } from '@nestjs/common';
import { APP_FILTER, ExternalContextCreator, HttpAdapterHost, ModulesContainer } from '@nestjs/core';

import { ContractExceptionFilter } from './contract-exception.filter.ts';
import { ContractRuntime } from './contract-runtime.ts';
import type { ContractModuleOptions } from './options.ts';

/** `forRootAsync`: options from other providers. */
export interface ContractModuleAsyncOptions extends Pick<ModuleMetadata, 'imports'> {
  readonly inject?: FactoryProvider['inject'];
  readonly useFactory: (...dependencies: never[]) => ContractModuleOptions | Promise<ContractModuleOptions>;
}

const optionsToken = Symbol('flowpact.options');

/**
 * Serves contracts: import it once, in the application's root module. When the application starts it checks that every
 * operation is bound exactly once and has all it needs, and else throws a `BootCheckError` that lists everything.
 */
// oxlint-disable-next-line typescript/no-extraneous-class -- a Nest module is a class, whatever it holds
export class ContractModule {
  static forRoot(options: ContractModuleOptions): DynamicModule {
    return ContractModule.forRootAsync({ useFactory: () => options });
  }

  static forRootAsync({ imports = [], inject = [], useFactory }: ContractModuleAsyncOptions): DynamicModule {
    return {
      module: ContractModule,
      imports,
      providers: [
        { provide: optionsToken, inject, useFactory: useFactory as (...dependencies: unknown[]) => unknown },
        {
          provide: ContractRuntime,
          inject: [optionsToken, HttpAdapterHost, ModulesContainer, ExternalContextCreator],
          useFactory: (...parameters: ConstructorParameters<typeof ContractRuntime>) =>
            new ContractRuntime(...parameters),
        },
        {
          provide: APP_FILTER,
          inject: [ContractRuntime],
          useFactory: (runtime: ContractRuntime) => new ContractExceptionFilter(runtime),
        },
      ],
    };
  }
}
// A call, since Node's type stripping knows no decorators.
Module({})(ContractModule);
