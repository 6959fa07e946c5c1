import type * as contract from '#generated/platform/index.ts';
import type { Json } from '../../../domain/domain-error.ts';
import type { PublicUrl } from '../../../domain/public-url.ts';
import type { HookAuth, TriggerConfig } from '../../../domain/trigger/trigger-config.ts';
import type { Trigger } from '../../../domain/trigger/trigger.entity.ts';
import type { ManualFiring, NewTrigger, TriggerChange, TriggerQuery } from '../../../domain/trigger/trigger.service.ts';
import { toTiming, toTimingFields } from '../schedules/timing.mapper.ts';
import { toTime } from '../time.ts';

export function toTrigger(trigger: Trigger, urls: PublicUrl): contract.Trigger {
  return {
    id: trigger.id,
    workflow_id: trigger.workflowId,
    name: trigger.name,
    description: trigger.description ?? null,
    kind: trigger.kind,
    enabled: trigger.enabled,
    config: toTriggerConfig(trigger.config),
    input: trigger.input ?? null,
    url: trigger.hookToken ? urls.of(`/hooks/${trigger.hookToken}`) : null,
    has_secret: Boolean(trigger.secret),
    previous_secret_expires_at: toTime(trigger.previousSecretExpiresAt),
    next_run_at: toTime(trigger.nextRunAt),
    last_triggered_at: toTime(trigger.lastTriggeredAt),
    trigger_count: trigger.triggerCount,
    last_error: trigger.lastError ?? null,
    created_at: trigger.createdAt.toISOString(),
    updated_at: trigger.updatedAt.toISOString(),
  };
}

function toTriggerConfig(config: TriggerConfig): contract.TriggerConfig {
  switch (config.kind) {
    case 'schedule':
      return { kind: 'schedule', ...toTimingFields(config) };
    case 'webhook': {
      const { kind, methods, path, auth, respond, timeoutSeconds } = config;
      return { kind, methods: [...methods], path, auth: toHookAuth(auth), respond, timeout_seconds: timeoutSeconds };
    }
    case 'form':
      return { kind: 'form', form_id: config.formId };
    case 'event':
      return { kind: 'event', events: config.events as contract.EventType[], filter: config.filter };
    case 'manual':
      return { kind: 'manual' };
  }
}

function toHookAuth(auth: HookAuth): contract.HookAuth {
  if (auth.type !== 'hmac') return { ...auth };
  const { type, format, header, prefix, algorithm, encoding, toleranceSeconds } = auth;
  return {
    type,
    format,
    ...(format !== 'standard_webhooks' && { header }),
    ...(format === 'body' && { prefix, algorithm, encoding }),
    ...(format !== 'body' && { tolerance_seconds: toleranceSeconds }),
  };
}

export function toTriggerQuery(query: contract.ListTriggers.Request['query']): TriggerQuery {
  const { workflow_id: workflowId, kind, enabled, page, per_page: perPage } = query;
  return { workflowId, kind, enabled, page, perPage };
}

export function toNewTrigger(body: contract.CreateTrigger.Request['body']): NewTrigger {
  const { workflow_id: workflowId, name, description, enabled, config, input, secret } = body;
  const own = fromTriggerConfig(config);
  return { workflowId, name, description, enabled, config: own, input: toInput(input), secret };
}

export function toTriggerChange(body: contract.UpdateTrigger.Request['body']): TriggerChange {
  const { config, input, ...rest } = body;
  return {
    ...rest,
    ...(config && { config: fromTriggerConfig(config) }),
    ...(input !== undefined && { input: toInput(input) }),
  };
}

export function toManualFiring(body: contract.ExecuteTrigger.Request['body']): ManualFiring {
  const { input, metadata } = body ?? {};
  return { input: toInput(input) ?? undefined, metadata: toInput(metadata) ?? undefined };
}

/** What a parsed body holds is JSON; the types of the contract say less. */
export function toInput<Absent extends null | undefined>(
  input: Record<string, unknown> | Absent,
): Record<string, Json> | Absent {
  return input as Record<string, Json> | Absent;
}

type ConfigInput = contract.CreateTrigger.Request['body']['config'];

function fromTriggerConfig(config: ConfigInput): TriggerConfig {
  switch (config.kind) {
    case 'schedule': {
      const { kind, overlap, catch_up_seconds: catchUpSeconds, ...timing } = config;
      return { kind, ...toTiming(timing, 'config.'), overlap, catchUpSeconds };
    }
    case 'webhook': {
      const { kind, methods, path = null, auth, respond, timeout_seconds: timeoutSeconds } = config;
      return { kind, methods, path, auth: fromHookAuth(auth), respond, timeoutSeconds };
    }
    case 'form':
      return { kind: 'form', formId: config.form_id };
    case 'event':
      return { kind: 'event', events: config.events, filter: config.filter ?? null };
    case 'manual':
      return { kind: 'manual' };
  }
}

function fromHookAuth(auth: Extract<ConfigInput, { kind: 'webhook' }>['auth']): HookAuth {
  if (auth.type !== 'hmac') return auth;
  const { type, format, header = 'X-Signature', prefix = '', algorithm = 'sha256', encoding = 'hex' } = auth;
  return { type, format, header, prefix, algorithm, encoding, toleranceSeconds: auth.tolerance_seconds };
}
