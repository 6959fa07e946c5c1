import { Controller } from '@nestjs/common';
import * as contract from '#generated/platform/index.ts';
import { mayHear } from '../../../domain/assert-scopes.ts';
import type { Caller } from '../../../domain/caller.ts';
import type { Json } from '../../../domain/domain-error.ts';
import { DeliveryService } from '../../../domain/webhook/delivery.service.ts';
import { testEventType } from '../../../domain/webhook/webhook-delivery.entity.ts';
import { type NewWebhook, WebhookService } from '../../../domain/webhook/webhook.service.ts';
import { CurrentCaller } from '../../../platform/auth/current-caller.ts';
import { toPagePagination } from '../page-pagination.ts';
import { fromTime } from '../time.ts';
import { eventCatalogue } from './event-catalogue.ts';
import {
  toCreatedWebhook,
  toWebhook,
  toWebhookAttempt,
  toWebhookDelivery,
  toWebhookDeliveryDetail,
  toWebhookDeliveryList,
} from './webhooks.mapper.ts';

const catalogue = eventCatalogue(contract.contract.document);

@Controller()
export class WebhooksController implements contract.WebhooksController {
  constructor(
    private readonly webhooks: WebhookService,
    private readonly deliveries: DeliveryService,
  ) {}

  @contract.ListEventTypes()
  async listEventTypes({ query }: contract.ListEventTypes.Request): Promise<contract.ListEventTypes.Response> {
    const { page, per_page: perPage } = query;
    const data = catalogue.slice((page - 1) * perPage, page * perPage);
    const pagination = toPagePagination(page, perPage, catalogue.length);
    return contract.ListEventTypes.respond(200, { data, pagination });
  }

  @contract.ListWebhooks()
  async listWebhooks(
    { query }: contract.ListWebhooks.Request,
    @CurrentCaller() { organisationId }: Caller,
  ): Promise<contract.ListWebhooks.Response> {
    const { enabled, page, per_page: perPage } = query;
    const { items, total } = await this.webhooks.list(organisationId, { enabled, page, perPage });
    const pagination = toPagePagination(page, perPage, total);
    return contract.ListWebhooks.respond(200, { data: items.map(toWebhook), pagination });
  }

  @contract.CreateWebhook()
  async createWebhook(
    { body }: contract.CreateWebhook.Request,
    @CurrentCaller() caller: Caller,
  ): Promise<contract.CreateWebhook.Response> {
    const created = await this.webhooks.create(caller, body as NewWebhook);
    const headers = { Location: `/v1/webhooks/${created.webhook.id}` };
    return contract.CreateWebhook.respond(201, { data: toCreatedWebhook(created) }, headers);
  }

  @contract.GetWebhook()
  async getWebhook(
    { path }: contract.GetWebhook.Request,
    @CurrentCaller() { organisationId }: Caller,
  ): Promise<contract.GetWebhook.Response> {
    return contract.GetWebhook.respond(200, {
      data: toWebhook(await this.webhooks.get(organisationId, path.webhook_id)),
    });
  }

  @contract.UpdateWebhook()
  async updateWebhook(
    { path, body }: contract.UpdateWebhook.Request,
    @CurrentCaller() caller: Caller,
  ): Promise<contract.UpdateWebhook.Response> {
    const webhook = await this.webhooks.update(caller, path.webhook_id, body as Partial<NewWebhook>);
    return contract.UpdateWebhook.respond(200, { data: toWebhook(webhook) });
  }

  @contract.DeleteWebhook()
  async deleteWebhook(
    { path }: contract.DeleteWebhook.Request,
    @CurrentCaller() { organisationId }: Caller,
  ): Promise<contract.DeleteWebhook.Response> {
    await this.webhooks.delete(organisationId, path.webhook_id);
    return contract.DeleteWebhook.respond(204);
  }

  @contract.RotateWebhookSecret()
  async rotateWebhookSecret(
    { path, body }: contract.RotateWebhookSecret.Request,
    @CurrentCaller() { organisationId }: Caller,
  ): Promise<contract.RotateWebhookSecret.Response> {
    const rotated = await this.webhooks.rotate(organisationId, path.webhook_id, body.overlap_seconds ?? 86_400);
    return contract.RotateWebhookSecret.respond(200, { data: toCreatedWebhook(rotated) });
  }

  @contract.TestWebhook()
  async testWebhook(
    { path, body }: contract.TestWebhook.Request,
    @CurrentCaller() { organisationId }: Caller,
  ): Promise<contract.TestWebhook.Response> {
    const { webhook_id: id } = path;
    const { event_type: type = testEventType } = body;
    const { example } = catalogue.find((entry) => entry.type === type)!;
    const data = type === testEventType ? { webhook_id: id } : (example.data as Record<string, Json>);
    const delivery = await this.deliveries.test(organisationId, id, type, data);
    const headers = { Location: `/v1/webhooks/${id}/deliveries/${delivery.id}` };
    return contract.TestWebhook.respond(202, { data: toWebhookDelivery(delivery) }, headers);
  }

  @contract.RecoverWebhook()
  async recoverWebhook(
    { path, body }: contract.RecoverWebhook.Request,
    @CurrentCaller() { organisationId }: Caller,
  ): Promise<contract.RecoverWebhook.Response> {
    const range = { since: fromTime(body.since, 'since', 'body')!, until: fromTime(body.until, 'until', 'body') };
    const recovered = await this.deliveries.recover(organisationId, path.webhook_id, range);
    const headers = { Location: `/v1/webhooks/${path.webhook_id}/deliveries` };
    return contract.RecoverWebhook.respond(202, { data: { recovered } }, headers);
  }

  @contract.ListWebhookDeliveries()
  async listWebhookDeliveries(
    { path, query }: contract.ListWebhookDeliveries.Request,
    @CurrentCaller() { organisationId }: Caller,
  ): Promise<contract.ListWebhookDeliveries.Response> {
    const { status: statuses, event_type: eventType, page, per_page: perPage, cursor } = query;
    const wanted = { statuses, eventType, page, perPage, cursor };
    const slice = await this.deliveries.list(organisationId, path.webhook_id, wanted);
    return contract.ListWebhookDeliveries.respond(200, toWebhookDeliveryList(slice, perPage));
  }

  @contract.GetWebhookDelivery()
  async getWebhookDelivery(
    { path }: contract.GetWebhookDelivery.Request,
    @CurrentCaller() caller: Caller,
  ): Promise<contract.GetWebhookDelivery.Response> {
    const { delivery, event } = await this.deliveries.get(caller.organisationId, path.webhook_id, path.delivery_id);
    const told = mayHear(caller, delivery.eventType) ? event : undefined;
    return contract.GetWebhookDelivery.respond(200, { data: toWebhookDeliveryDetail(delivery, told) });
  }

  @contract.ListWebhookDeliveryAttempts()
  async listWebhookDeliveryAttempts(
    { path, query }: contract.ListWebhookDeliveryAttempts.Request,
    @CurrentCaller() caller: Caller,
  ): Promise<contract.ListWebhookDeliveryAttempts.Response> {
    const { webhook_id: webhookId, delivery_id: id } = path;
    const { page, per_page: perPage } = query;
    const wanted = { page, perPage };
    const { items, total, eventType } = await this.deliveries.attempts(caller.organisationId, webhookId, id, wanted);
    const told = mayHear(caller, eventType);
    const pagination = toPagePagination(page, perPage, total);
    return contract.ListWebhookDeliveryAttempts.respond(200, {
      data: items.map((item) => toWebhookAttempt(item, told)),
      pagination,
    });
  }

  @contract.ResendWebhookDelivery()
  async resendWebhookDelivery(
    { path }: contract.ResendWebhookDelivery.Request,
    @CurrentCaller() { organisationId }: Caller,
  ): Promise<contract.ResendWebhookDelivery.Response> {
    const { webhook_id: webhookId, delivery_id: id } = path;
    const delivery = await this.deliveries.resend(organisationId, webhookId, id);
    const headers = { Location: `/v1/webhooks/${webhookId}/deliveries/${id}` };
    return contract.ResendWebhookDelivery.respond(202, { data: toWebhookDelivery(delivery) }, headers);
  }
}
