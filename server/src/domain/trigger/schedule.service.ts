import { type FilterQuery } from '@mikro-orm/core';
import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { Caller } from '../caller.ts';
import { type Json, ValidationFailedError } from '../domain-error.ts';
import { type Position, positionOf, type Slice, type SliceRequest, toSlice } from '../slice.ts';
import type { Page, PageRequest } from '../page.ts';
import { type OccurrenceStatus, ScheduleOccurrence } from './schedule-occurrence.entity.ts';
import { Timetable, timingFaults } from './timetable.ts';
import type { ScheduleConfig, Timing, TriggerConfig } from './trigger-config.ts';
import type { Trigger } from './trigger.entity.ts';
import { TriggerService } from './trigger.service.ts';

/** What a schedule is made from. */
export interface NewSchedule extends Omit<ScheduleConfig, 'kind'> {
  readonly workflowId: string;
  readonly name: string;
  readonly description?: string | null;
  readonly enabled: boolean;
  readonly input?: Record<string, Json> | null;
}

/** What is absent stays as it is; a `cron` takes the place of an `interval`, and the other way round. */
export type ScheduleChange = Partial<Omit<NewSchedule, 'workflowId' | 'enabled'>>;

export interface ScheduleQuery extends PageRequest {
  readonly workflowId?: string;
  readonly enabled?: boolean;
}

/** A trigger of the kind `schedule`, whose config is known. */
export type Schedule = Trigger & { config: ScheduleConfig };

export interface OccurrenceQuery extends SliceRequest {
  readonly status?: OccurrenceStatus;
}

const kind = 'schedule';

/** Schedules: the triggers of that kind, and what became of their times. Another organisation's id is a ResourceNotFoundError. */
@Injectable()
export class ScheduleService {
  constructor(
    private readonly em: EntityManager,
    private readonly triggers: TriggerService,
  ) {}

  /** Newest first. */
  async list(organisationId: string, query: ScheduleQuery): Promise<Page<Schedule>> {
    return (await this.triggers.list(organisationId, { ...query, kind })) as Page<Schedule>;
  }

  async get(organisationId: string, id: string): Promise<Schedule> {
    return (await this.triggers.get(organisationId, id, kind)) as Schedule;
  }

  /** Throws ValidationFailedError, also for a workflow that is not there and for a timing without a time to come. */
  async create(caller: Caller, given: NewSchedule): Promise<Schedule> {
    const { workflowId, name, description, enabled, input, ...timing } = given;
    assertNone(timing);
    const config: ScheduleConfig = { kind, ...timing };
    const { trigger } = await this.triggers.create(caller, { workflowId, name, description, enabled, input, config });
    return trigger as Schedule;
  }

  /** Throws ResourceNotFoundError, ValidationFailedError. */
  async update(caller: Caller, id: string, change: ScheduleChange): Promise<Schedule> {
    const { name, description, input, ...timing } = change;
    const config = (before: TriggerConfig): ScheduleConfig => {
      const after = merged(before as ScheduleConfig, timing);
      assertNone(after);
      return after;
    };
    const fields = { name, description, input, ...(Object.keys(timing).length > 0 && { config }) };
    const given = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
    return (await this.triggers.update(caller, id, given, kind)) as Schedule;
  }

  async delete(organisationId: string, id: string): Promise<void> {
    await this.triggers.delete(organisationId, id, kind);
  }

  /** Repeating it changes nothing. */
  async pause(organisationId: string, id: string): Promise<Schedule> {
    return (await this.triggers.disable(organisationId, id, kind)) as Schedule;
  }

  /** Repeating it changes nothing. */
  async resume(caller: Caller, id: string): Promise<Schedule> {
    return (await this.triggers.enable(caller, id, kind)) as Schedule;
  }

  /** The next times of a schedule; none while it is paused. */
  async upcoming(organisationId: string, id: string, count: number): Promise<{ schedule: Schedule; times: Date[] }> {
    const schedule = await this.get(organisationId, id);
    const times = schedule.enabled ? schedule.timetable!.upcoming(count, new Date()) : [];
    return { schedule, times };
  }

  /** The times after `from` that a schedule would have. Throws ValidationFailedError. */
  preview(timing: Timing, count: number, from = new Date()): Date[] {
    assertNone(timing, from);
    return new Timetable(timing, from).upcoming(count, from);
  }

  /** Newest first. Throws ResourceNotFoundError, and ValidationFailedError for a cursor that is none. */
  async occurrences(organisationId: string, id: string, query: OccurrenceQuery): Promise<Slice<Listed>> {
    const { status, perPage, page = 1 } = query;
    const position = positionOf(query);
    await this.get(organisationId, id);
    const where: FilterQuery<ScheduleOccurrence> = { organisationId, triggerId: id, ...(status && { status }) };
    const items = await this.em.find(ScheduleOccurrence, position ? { $and: [where, before(position)] } : where, {
      orderBy: { scheduledAt: 'desc', id: 'desc' },
      limit: perPage + 1,
      offset: position ? 0 : (page - 1) * perPage,
    });
    const placed = items.map((occurrence) => ({ id: occurrence.id, createdAt: occurrence.scheduledAt, occurrence }));
    return toSlice(placed, query, position ? undefined : await this.em.count(ScheduleOccurrence, where));
  }
}

/** An occurrence at its place in the list. */
interface Listed extends Position {
  readonly occurrence: ScheduleOccurrence;
}

function merged(before: ScheduleConfig, change: Partial<Omit<ScheduleConfig, 'kind'>>): ScheduleConfig {
  const gives = (value: string | null | undefined): boolean => value !== undefined && value !== null;
  const replaced = {
    ...(gives(change.cron) && !gives(change.interval) && { interval: null }),
    ...(gives(change.interval) && !gives(change.cron) && { cron: null }),
  };
  const given = Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined));
  return { ...before, ...replaced, ...given };
}

function assertNone(timing: Timing, now = new Date()): void {
  const faults = timingFaults(timing, '', now);
  if (faults.length > 0) throw new ValidationFailedError('The schedule is not valid: see details.errors.', faults);
}

function before({ createdAt, id }: Position): FilterQuery<ScheduleOccurrence> {
  return { $or: [{ scheduledAt: { $lt: createdAt } }, { scheduledAt: createdAt, id: { $lt: id } }] };
}
