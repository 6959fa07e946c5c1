import type * as contract from '#generated/platform/index.ts';
import type { DomainEvent } from '../../../domain/event/domain-event.entity.ts';
import type { Slice } from '../../../domain/slice.ts';
import type { WebhookAttempt } from '../../../domain/webhook/webhook-attempt.entity.ts';
import type { WebhookDelivery } from '../../../domain/webhook/webhook-delivery.entity.ts';
import type { Webhook } from '../../../domain/webhook/webhook.entity.ts';
import type { WebhookWithSecret } from '../../../domain/webhook/webhook.service.ts';
import { toCursorPagination } from '../executions/executions.mapper.ts';
import { toTime } from '../time.ts';

export function toWebhook(webhook: Webhook): contract.Webhook {
  return {
    id: webhook.id,
    name: webhook.name,
    description: webhook.description ?? null,
    url: webhook.url,
    events: webhook.events,
    header_names: webhook.headerNames,
    enabled: webhook.enabled,
    disabled_reason: webhook.disabledReason ?? null,
    disabled_at: toTime(webhook.disabledAt),
    failing_since: toTime(webhook.failingSince),
    last_delivery_at: toTime(webhook.lastDeliveryAt),
    created_by: webhook.createdBy?.id ?? null,
    created_at: webhook.createdAt.toISOString(),
    updated_at: webhook.updatedAt.toISOString(),
    rotated_at: toTime(webhook.rotatedAt),
    previous_secret_expires_at: toTime(webhook.previousSecretExpiresAt),
  };
}

export function toCreatedWebhook({ webhook, secret }: WebhookWithSecret): contract.CreatedWebhook {
  return { webhook: toWebhook(webhook), secret };
}

export function toWebhookDelivery(delivery: WebhookDelivery): contract.WebhookDelivery {
  return {
    id: delivery.id,
    webhook_id: delivery.webhookId,
    event_id: delivery.eventId,
    event_type: delivery.eventType,
    origin: delivery.origin,
    status: delivery.status,
    attempts: delivery.attemptCount,
    next_attempt_at: toTime(delivery.nextAttemptAt),
    last_attempt_at: toTime(delivery.lastAttemptAt),
    completed_at: toTime(delivery.completedAt),
    response_status: delivery.responseStatus ?? null,
    error: delivery.error ?? null,
    created_at: delivery.createdAt.toISOString(),
  };
}

export function toWebhookDeliveryDetail(
  delivery: WebhookDelivery,
  event: DomainEvent | undefined,
): contract.WebhookDeliveryDetail {
  if (!event) return { ...toWebhookDelivery(delivery), payload: null };
  const { id, type, createdAt, data } = event;
  // The database made the data of executions; contract tests hold all of it against the schema.
  const payload = { id, type, timestamp: createdAt.toISOString(), data } as unknown as contract.WebhookPayload;
  return { ...toWebhookDelivery(delivery), payload };
}

export function toWebhookDeliveryList(slice: Slice<WebhookDelivery>, perPage: number) {
  return { data: slice.items.map(toWebhookDelivery), pagination: toCursorPagination(slice, perPage) };
}

/** `told`: whether the reader may know what was sent, which a receiver may repeat in its answer. */
export function toWebhookAttempt(attempt: WebhookAttempt, told: boolean): contract.WebhookAttempt {
  return {
    id: attempt.id,
    delivery_id: attempt.deliveryId,
    number: attempt.number,
    started_at: attempt.startedAt.toISOString(),
    duration_ms: attempt.durationMs,
    response_status: attempt.responseStatus ?? null,
    response_body: told ? (attempt.responseBody ?? null) : null,
    error: attempt.error ?? null,
  };
}
