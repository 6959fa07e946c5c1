import { defineEntity, p } from '@mikro-orm/core';

export const occurrenceStatuses = ['started', 'buffered', 'skipped', 'missed', 'failed'] as const;
/** What became of a time of a schedule; `buffered` is the only one that changes again. */
export type OccurrenceStatus = (typeof occurrenceStatuses)[number];

const ScheduleOccurrenceSchema = defineEntity({
  name: 'ScheduleOccurrence',
  tableName: 'schedule_occurrence',
  properties: {
    id: p.text().primary(),
    organisationId: p.text(),
    triggerId: p.text(),
    scheduledAt: p.datetime(3),
    /** The last of the times that were missed in a row. */
    missedUntil: p.datetime(3).nullable(),
    status: p.enum(occurrenceStatuses),
    executionId: p.text().nullable(),
    error: p.json<{ code: string; message: string }>().nullable(),
    /** Until its execution was seen to have ended. */
    open: p.boolean(),
    decidedAt: p.datetime(3),
  },
  // One row for each time of a schedule: what makes it start once.
  uniques: [{ properties: ['triggerId', 'scheduledAt'], name: 'schedule_occurrence_time' }],
  indexes: [
    { properties: ['open', 'triggerId'], name: 'schedule_occurrence_open' },
    { properties: ['decidedAt'], name: 'schedule_occurrence_decided' },
  ],
});

/** A time of a schedule that has come, and what became of it. */
export class ScheduleOccurrence extends ScheduleOccurrenceSchema.class {}
ScheduleOccurrenceSchema.setClass(ScheduleOccurrence);
