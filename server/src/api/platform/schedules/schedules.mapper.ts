import type * as contract from '#generated/platform/index.ts';
import type { ScheduleOccurrence } from '../../../domain/trigger/schedule-occurrence.entity.ts';
import type {
  NewSchedule,
  OccurrenceQuery,
  Schedule,
  ScheduleChange,
  ScheduleQuery,
} from '../../../domain/trigger/schedule.service.ts';
import { toLocal } from '../../../domain/trigger/timetable.ts';
import { toTime } from '../time.ts';
import { toInput } from '../triggers/triggers.mapper.ts';
import { toMoment, toTiming, toTimingFields } from './timing.mapper.ts';

export function toSchedule(schedule: Schedule): contract.Schedule {
  return {
    id: schedule.id,
    workflow_id: schedule.workflowId,
    name: schedule.name,
    description: schedule.description ?? null,
    status: schedule.enabled ? 'active' : 'paused',
    ...toTimingFields(schedule.config),
    input: schedule.input ?? null,
    next_run_at: toTime(schedule.nextRunAt),
    last_run_at: toTime(schedule.lastTriggeredAt),
    run_count: schedule.triggerCount,
    created_at: schedule.createdAt.toISOString(),
    updated_at: schedule.updatedAt.toISOString(),
  };
}

export function toSchedulePreview(times: readonly Date[], timezone: string): contract.SchedulePreview {
  return { timezone, runs: times.map((time) => ({ at: time.toISOString(), local: toLocal(time, timezone) })) };
}

export function toScheduleOccurrence(occurrence: ScheduleOccurrence): contract.ScheduleOccurrence {
  return {
    id: occurrence.id,
    schedule_id: occurrence.triggerId,
    scheduled_at: occurrence.scheduledAt.toISOString(),
    missed_until: toTime(occurrence.missedUntil),
    status: occurrence.status,
    execution_id: occurrence.executionId ?? null,
    error: occurrence.error ?? null,
    decided_at: occurrence.decidedAt.toISOString(),
  };
}

export function toScheduleQuery(query: contract.ListSchedules.Request['query']): ScheduleQuery {
  const { workflow_id: workflowId, status, page, per_page: perPage } = query;
  return { workflowId, ...(status && { enabled: status === 'active' }), page, perPage };
}

export function toNewSchedule(body: contract.CreateSchedule.Request['body']): NewSchedule {
  const { workflow_id: workflowId, name, description, status, overlap, catch_up_seconds, input, ...timing } = body;
  return {
    workflowId,
    name,
    description,
    enabled: status === 'active',
    ...toTiming(timing),
    overlap,
    catchUpSeconds: catch_up_seconds,
    input: toInput(input),
  };
}

export function toScheduleChange(body: contract.UpdateSchedule.Request['body']): ScheduleChange {
  const { catch_up_seconds, starts_at, ends_at, input, ...rest } = body;
  return {
    ...rest,
    ...(catch_up_seconds !== undefined && { catchUpSeconds: catch_up_seconds }),
    ...(starts_at !== undefined && { startsAt: toMoment(starts_at, 'starts_at') }),
    ...(ends_at !== undefined && { endsAt: toMoment(ends_at, 'ends_at') }),
    ...(input !== undefined && { input: toInput(input) }),
  };
}

export function toOccurrenceQuery(query: contract.ListScheduleOccurrences.Request['query']): OccurrenceQuery {
  const { status, page, per_page: perPage, cursor } = query;
  return { status, page, perPage, cursor };
}
