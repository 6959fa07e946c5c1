import { publishedWorkflow, schedule, SLOW } from '../resources.ts';
import type { TagRequests } from './tag-requests.ts';

export const schedules: TagRequests = {
  async good(harness) {
    const workflow_id = await publishedWorkflow(harness);
    const path = { schedule_id: await schedule(harness, { workflow_id }) };
    return {
      listSchedules: {},
      createSchedule: { json: { workflow_id, name: 'Matrix', interval: '1d' } },
      previewSchedule: { json: { cron: '@daily' } },
      getSchedule: { path },
      updateSchedule: { path, json: { name: 'Matrix' } },
      deleteSchedule: { path },
      pauseSchedule: { path },
      resumeSchedule: { path },
      getSchedulePreview: { path },
      listScheduleOccurrences: { path },
    };
  },
  writes: ['schedule_occurrence'],
  idempotent: {
    async createSchedule(harness) {
      const json = { workflow_id: await publishedWorkflow(harness), name: 'A', interval: '1d' };
      return { first: { json }, other: { ...json, name: 'B' } };
    },
  },
  around: {
    createSchedule: async (harness, example) => ({
      json: { ...example, workflow_id: await publishedWorkflow(harness, SLOW) },
    }),
    updateSchedule: async (harness) => ({ path: { schedule_id: await schedule(harness) } }),
  },
};
