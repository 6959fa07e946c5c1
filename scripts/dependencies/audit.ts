import { execFile } from 'node:child_process';
import type { AdvisoryException } from './exceptions.ts';

/** The part of `npm audit --json` that counts (audit report version 2). */
export interface AuditReport {
  readonly auditReportVersion?: number;
  readonly message?: string;
  readonly vulnerabilities?: Readonly<Record<string, Vulnerability>>;
}

interface Vulnerability {
  readonly name: string;
  readonly via: readonly (string | { readonly title: string; readonly url: string; readonly severity: string })[];
}

/** What became of the audit: it could not be asked for, or it has findings, one line each. */
export type AuditOutcome = { readonly unanswered: string } | { readonly faults: readonly string[] };

const grave = new Set(['high', 'critical']);

/** Asks the registry about production dependencies. */
export async function audit(root: string): Promise<AuditReport> {
  const text = await new Promise<string>((resolve) => {
    // It exits with 1 for findings and for a registry that does not answer, and says which in its output.
    execFile(
      'npm',
      ['audit', '--omit=dev', '--json'],
      { cwd: root, maxBuffer: 2 ** 26, timeout: 120_000 },
      (_error, stdout) => resolve(stdout),
    );
  });
  try {
    return JSON.parse(text) as AuditReport;
  } catch {
    return { message: 'npm audit gave no report' };
  }
}

/** Findings of severity high or critical, but for exceptions whose day has not come, and exceptions that nothing needs. */
export function auditOutcome(
  report: AuditReport,
  exceptions: readonly AdvisoryException[],
  today: string,
): AuditOutcome {
  if (report.auditReportVersion === undefined || report.vulnerabilities === undefined)
    return { unanswered: report.message ?? 'the registry gave no report' };
  const used = new Set<string>();
  const faults = Object.values(report.vulnerabilities).flatMap(({ name, via }) =>
    via.flatMap((finding) => {
      // A text names another package of the report, which has the finding itself.
      if (typeof finding === 'string' || !grave.has(finding.severity)) return [];
      const id = finding.url.slice(finding.url.lastIndexOf('/') + 1);
      const exception = exceptions.find((entry) => entry.id === id);
      if (exception) used.add(id);
      if (exception && today < exception.until) return [];
      const since = exception ? `; its exception ended on ${exception.until}` : '';
      return [`${name}: ${finding.title} (${finding.severity}, ${finding.url})${since}`];
    }),
  );
  const unused = exceptions.filter(({ id }) => !used.has(id)).map(({ id }) => `the exception for ${id} is not needed`);
  return { faults: [...new Set([...faults, ...unused])] };
}
