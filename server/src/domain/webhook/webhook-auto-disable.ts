import { LockMode } from '@mikro-orm/core';
import { MikroORM } from '@mikro-orm/postgresql';
import { Injectable, Logger } from '@nestjs/common';
import { DomainEvents } from '../event/domain-events.ts';
import { WebhookSettings } from './webhook-settings.ts';
import { type DisabledReason, Webhook } from './webhook.entity.ts';
import { endDeliveries } from './webhook.service.ts';

const dayMs = 24 * 60 * 60 * 1_000;

/** Disables webhooks that nobody answers, and says so: in the log, and as an event that other webhooks can hear. */
@Injectable()
export class WebhookAutoDisable {
  readonly #log = new Logger(WebhookAutoDisable.name);

  constructor(
    private readonly orm: MikroORM,
    private readonly events: DomainEvents,
    private readonly settings: WebhookSettings,
  ) {}

  /** Call it when a delivery was given up: its webhook is disabled if it is `gone`, or has failed for long enough. */
  async consider(organisationId: string, webhookId: string, gone: boolean): Promise<void> {
    await this.orm.em.fork().transactional(async (em) => {
      const lockMode = LockMode.PESSIMISTIC_WRITE;
      const webhook = await em.findOne(Webhook, { id: webhookId, organisation: organisationId }, { lockMode });
      if (!webhook?.enabled) return;
      const since = webhook.failingSince;
      const tooLong = since && Date.now() - since.getTime() >= this.settings.disableAfterDays * dayMs;
      if (!gone && !tooLong) return;
      const reason: DisabledReason = gone ? 'gone' : 'failures';
      webhook.disable(reason);
      await this.events.listen(em, { organisationId, kind: 'webhook', id: webhookId, types: [] });
      await endDeliveries(em, webhookId);
      const why = gone
        ? 'because the receiver answered that it is gone (410)'
        : `because every attempt has failed since ${since!.toISOString()}`;
      await this.events.emit(em, {
        organisationId,
        type: 'alert.triggered',
        data: {
          alert: 'webhook_disabled',
          severity: 'error',
          message: `The webhook ${webhook.name} was disabled, ${why}.`,
          resource: { type: 'webhook', id: webhookId },
          details: { reason },
        },
      });
      this.#log.warn({ organisationId, webhookId, reason }, `A webhook was disabled, ${why}.`);
    });
  }
}
