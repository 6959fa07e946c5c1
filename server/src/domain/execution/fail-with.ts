import type { Failure } from './execution.entity.ts';
import type { Report } from './report.ts';

/** Reports that the execution ends now, by a failure that its run does not tell itself. */
export function failWith(report: Report, error: Failure): void {
  const at = new Date();
  report.change({ status: 'failed', error, completedAt: at });
  const data = { status: 'failed', error: { ...error }, duration_ms: 0 };
  report.event({ key: 'ended', type: 'execution:failed', data, at });
}
