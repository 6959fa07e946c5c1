import { describe, expect, test } from '@jest/globals';
import { auditOutcome, type AuditReport } from './audit.ts';

const finding = (severity: string, id = 'GHSA-1') => ({
  title: 'It breaks',
  url: `https://github.com/advisories/${id}`,
  severity,
});
const report = (...via: (string | ReturnType<typeof finding>)[]): AuditReport => ({
  auditReportVersion: 2,
  vulnerabilities: { left: { name: 'left', via } },
});
const exception = { id: 'GHSA-1', until: '2027-01-31', reason: 'Because.' };
const line = 'left: It breaks (high, https://github.com/advisories/GHSA-1)';

describe('an audit', () => {
  test('of a registry that does not answer is not one without findings', () => {
    expect(auditOutcome({ message: '405 Method Not Allowed' }, [], '2026-11-29')).toEqual({
      unanswered: '405 Method Not Allowed',
    });
    expect(auditOutcome({}, [], '2026-11-29')).toHaveProperty('unanswered');
  });

  test.each([
    ['high', [line]],
    ['critical', [line.replace('high', 'critical')]],
    ['moderate', []],
  ])('severity %s', (severity, want) => {
    expect(auditOutcome(report(finding(severity), 'right'), [], '2026-11-29')).toEqual({ faults: want });
  });

  test('an exception lasts until its day', () => {
    expect(auditOutcome(report(finding('high')), [exception], '2027-01-30')).toEqual({ faults: [] });
    expect(auditOutcome(report(finding('high')), [exception], '2027-01-31')).toEqual({
      faults: [`${line}; its exception ended on 2027-01-31`],
    });
  });

  test('an exception that nothing needs is a fault', () => {
    expect(auditOutcome(report(), [exception], '2026-11-29')).toEqual({
      faults: ['the exception for GHSA-1 is not needed'],
    });
  });
});
