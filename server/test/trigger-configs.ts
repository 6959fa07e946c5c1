import type { HmacAuth, HookAuth, ScheduleConfig, TriggerConfig } from '../src/domain/trigger/trigger-config.ts';

// One configuration of each kind of trigger, for tests that are about something else.

export const hook = (auth: HookAuth = { type: 'bearer' }): TriggerConfig => ({
  kind: 'webhook',
  methods: ['POST'],
  path: null,
  auth,
  respond: 'immediately',
  timeoutSeconds: 30,
});
export const hmac = { type: 'hmac', format: 'standard_webhooks' } as HmacAuth;
export const hourly: ScheduleConfig = {
  kind: 'schedule',
  cron: null,
  interval: '1h',
  timezone: 'UTC',
  startsAt: null,
  endsAt: null,
  overlap: 'skip',
  catchUpSeconds: 60,
};
export const onEvent = (filter: string | null = null): TriggerConfig => ({
  kind: 'event',
  events: ['form.submitted', 'execution.failed'],
  filter,
});
export const manual: TriggerConfig = { kind: 'manual' };
