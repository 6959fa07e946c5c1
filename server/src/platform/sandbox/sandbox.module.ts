import { Global, Module } from '@nestjs/common';
import { Evaluator, Sandbox } from '../../domain/language/index.ts';
import { OrganisationPlans } from '../../domain/organisation/organisation-plans.ts';
import { Sealer } from '../../domain/sealer.ts';
import { SecretMarkers } from '../../domain/vault/secret-markers.ts';
import { Metrics } from '../telemetry/metrics.ts';
import { QuickJsSandbox } from './quickjs-sandbox.ts';

@Global()
@Module({
  providers: [
    {
      provide: Sandbox,
      useFactory: (plans: OrganisationPlans, metrics: Metrics): Sandbox =>
        new QuickJsSandbox({ planOf: (organisationId) => plans.planOf(organisationId), metrics }),
      inject: [OrganisationPlans, Metrics],
    },
    { provide: Evaluator, useFactory: evaluator, inject: [Sandbox, Sealer] },
  ],
  exports: [Sandbox, Evaluator],
})
export class SandboxModule {}

function evaluator(sandbox: Sandbox, sealer: Sealer): Evaluator {
  const markers = new SecretMarkers(sealer);
  return new Evaluator(sandbox, (executionId, name) => markers.of(executionId, name));
}
