import { describe, expect, test } from '@jest/globals';
import { BulkJob } from './bulk-job.entity.ts';

const at = (second: number): Date => new Date(Date.UTC(2026, 10, 30, 12, 0, second));

function job(total: number): BulkJob {
  const startedBy = { type: 'api_key', id: 'key_1' } as const;
  return Object.assign(BulkJob.create({ organisationId: 'org_1', action: 'cancel', retryFrom: null, startedBy }), {
    total,
  });
}

describe('a job', () => {
  test('begins without anything done, and knows who started it', () => {
    const counts = { total: 0, succeeded: 0, failed: 0, skipped: 0 };
    const times = { startedAt: null, completedAt: null, workedAt: null };
    const made = job(0);
    expect(made).toMatchObject({ ...counts, ...times, status: 'pending', action: 'cancel', retryFrom: null });
    expect(made.startedBy).toEqual({ type: 'api_key', id: 'key_1' });
    expect(made.id).toMatch(/^job_/);
  });

  test('is completed with its last item, whether that succeeds or fails', () => {
    const made = job(5);
    made.advance(2, 1, at(1));
    expect(made).toMatchObject({ status: 'running', succeeded: 2, failed: 1, startedAt: at(1), workedAt: at(1) });
    made.advance(1, 0, at(2));
    expect(made).toMatchObject({ status: 'running', completedAt: null, startedAt: at(1), workedAt: at(2) });
    made.advance(0, 1, at(3));
    expect(made).toMatchObject({ status: 'completed', succeeded: 3, failed: 2, startedAt: at(1), completedAt: at(3) });
  });

  test('that is cancelled skips what is left, once; one that is completed cannot be cancelled', () => {
    const made = job(5);
    made.advance(2, 1, at(1));
    made.cancel(at(2));
    expect(made).toMatchObject({ status: 'cancelled', skipped: 2, succeeded: 2, failed: 1, completedAt: at(2) });
    made.cancel(at(3));
    expect(made).toMatchObject({ skipped: 2, completedAt: at(2) });
    const done = job(1);
    done.advance(1, 0, at(1));
    expect(() => done.cancel(at(2))).toThrow(expect.objectContaining({ code: 'bulk_job_already_finished' }));
    expect(done).toMatchObject({ status: 'completed', skipped: 0, completedAt: at(1) });
  });
});
