import { Catch, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';

import type { ContractRuntime } from './contract-runtime.ts';

/** The last filter of the application: whatever no filter of its own took leaves in the contract's error shape. */
export class ContractExceptionFilter implements ExceptionFilter {
  private readonly runtime: ContractRuntime;

  constructor(runtime: ContractRuntime) {
    this.runtime = runtime;
  }

  catch(error: unknown, host: ArgumentsHost): void {
    if (host.getType() !== 'http') throw error;
    this.runtime.handle(error, host.getArgByIndex(0), host.getArgByIndex(1));
  }
}
// A call, since Node's type stripping knows no decorators.
Catch()(ContractExceptionFilter);
