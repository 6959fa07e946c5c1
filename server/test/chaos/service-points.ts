import type { Failpoint } from '../../src/domain/failpoints.ts';

/** Points in services that Node alone does not run, because they have decorators: the tests beside them go through these. */
export const servicePoints = [
  'delivery.claimed',
  'delivery.sent',
  'schedule.claimed',
  'schedule.decided',
  'bulk-job.treated',
  'event.told',
  'idempotency.executed',
] as const satisfies readonly Failpoint[];
