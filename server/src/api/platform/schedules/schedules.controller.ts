import { Controller } from '@nestjs/common';
import * as contract from '#generated/platform/index.ts';
import type { Caller } from '../../../domain/caller.ts';
import { ScheduleService } from '../../../domain/trigger/schedule.service.ts';
import { CurrentCaller } from '../../../platform/auth/current-caller.ts';
import { toCursorPagination } from '../executions/executions.mapper.ts';
import { toPagePagination } from '../page-pagination.ts';
import { fromTime } from '../time.ts';
import {
  toNewSchedule,
  toOccurrenceQuery,
  toSchedule,
  toScheduleChange,
  toScheduleOccurrence,
  toSchedulePreview,
  toScheduleQuery,
} from './schedules.mapper.ts';
import { toTiming } from './timing.mapper.ts';

@Controller()
export class SchedulesController implements contract.SchedulesController {
  constructor(private readonly schedules: ScheduleService) {}

  @contract.ListSchedules()
  async listSchedules(
    { query }: contract.ListSchedules.Request,
    @CurrentCaller() caller: Caller,
  ): Promise<contract.ListSchedules.Response> {
    const { items, total } = await this.schedules.list(caller.organisationId, toScheduleQuery(query));
    const pagination = toPagePagination(query.page, query.per_page, total);
    return contract.ListSchedules.respond(200, { data: items.map(toSchedule), pagination });
  }

  @contract.CreateSchedule()
  async createSchedule(
    { body }: contract.CreateSchedule.Request,
    @CurrentCaller() caller: Caller,
  ): Promise<contract.CreateSchedule.Response> {
    const schedule = await this.schedules.create(caller, toNewSchedule(body));
    const headers = { Location: `/v1/schedules/${schedule.id}` };
    return contract.CreateSchedule.respond(201, { data: toSchedule(schedule) }, headers);
  }

  @contract.PreviewSchedule()
  async previewSchedule({ body }: contract.PreviewSchedule.Request): Promise<contract.PreviewSchedule.Response> {
    const from = fromTime(body.from, 'from', 'body') ?? new Date();
    const times = this.schedules.preview(toTiming(body), body.count, from);
    return contract.PreviewSchedule.respond(200, { data: toSchedulePreview(times, body.timezone) });
  }

  @contract.GetSchedule()
  async getSchedule(
    { path }: contract.GetSchedule.Request,
    @CurrentCaller() caller: Caller,
  ): Promise<contract.GetSchedule.Response> {
    const schedule = await this.schedules.get(caller.organisationId, path.schedule_id);
    return contract.GetSchedule.respond(200, { data: toSchedule(schedule) });
  }

  @contract.UpdateSchedule()
  async updateSchedule(
    { path, body }: contract.UpdateSchedule.Request,
    @CurrentCaller() caller: Caller,
  ): Promise<contract.UpdateSchedule.Response> {
    const schedule = await this.schedules.update(caller, path.schedule_id, toScheduleChange(body));
    return contract.UpdateSchedule.respond(200, { data: toSchedule(schedule) });
  }

  @contract.DeleteSchedule()
  async deleteSchedule(
    { path }: contract.DeleteSchedule.Request,
    @CurrentCaller() caller: Caller,
  ): Promise<contract.DeleteSchedule.Response> {
    await this.schedules.delete(caller.organisationId, path.schedule_id);
    return contract.DeleteSchedule.respond(204);
  }

  @contract.PauseSchedule()
  async pauseSchedule(
    { path }: contract.PauseSchedule.Request,
    @CurrentCaller() caller: Caller,
  ): Promise<contract.PauseSchedule.Response> {
    const schedule = await this.schedules.pause(caller.organisationId, path.schedule_id);
    return contract.PauseSchedule.respond(200, { data: toSchedule(schedule) });
  }

  @contract.ResumeSchedule()
  async resumeSchedule(
    { path }: contract.ResumeSchedule.Request,
    @CurrentCaller() caller: Caller,
  ): Promise<contract.ResumeSchedule.Response> {
    const schedule = await this.schedules.resume(caller, path.schedule_id);
    return contract.ResumeSchedule.respond(200, { data: toSchedule(schedule) });
  }

  @contract.GetSchedulePreview()
  async getSchedulePreview(
    { path, query }: contract.GetSchedulePreview.Request,
    @CurrentCaller() caller: Caller,
  ): Promise<contract.GetSchedulePreview.Response> {
    const { schedule, times } = await this.schedules.upcoming(caller.organisationId, path.schedule_id, query.count);
    return contract.GetSchedulePreview.respond(200, { data: toSchedulePreview(times, schedule.config.timezone) });
  }

  @contract.ListScheduleOccurrences()
  async listScheduleOccurrences(
    { path, query }: contract.ListScheduleOccurrences.Request,
    @CurrentCaller() caller: Caller,
  ): Promise<contract.ListScheduleOccurrences.Response> {
    const slice = await this.schedules.occurrences(caller.organisationId, path.schedule_id, toOccurrenceQuery(query));
    const data = slice.items.map(({ occurrence }) => toScheduleOccurrence(occurrence));
    return contract.ListScheduleOccurrences.respond(200, {
      data,
      pagination: toCursorPagination(slice, query.per_page),
    });
  }
}
