import { Global, Module } from '@nestjs/common';
import { Evaluator, Sandbox } from '../../domain/language/index.ts';
import { QuickJsSandbox } from './quickjs-sandbox.ts';

@Global()
@Module({
  providers: [
    { provide: Sandbox, useClass: QuickJsSandbox },
    { provide: Evaluator, useFactory: (sandbox: Sandbox) => new Evaluator(sandbox), inject: [Sandbox] },
  ],
  exports: [Sandbox, Evaluator],
})
export class SandboxModule {}
