import { Module } from '@nestjs/common';
import { EventModule } from '../event/event.module.ts';
import { DeliveryRetention } from './delivery-retention.ts';
import { DeliverySender } from './delivery-sender.ts';
import { DeliveryService } from './delivery.service.ts';
import { WebhookAutoDisable } from './webhook-auto-disable.ts';
import { WebhookService } from './webhook.service.ts';
import { StorageModule } from '../storage/storage.module.ts';

/** Needs the global modules that provide OutgoingHttp, Sealer, WebhookSettings and WorkerLoops. */
@Module({
  imports: [StorageModule, EventModule],
  providers: [WebhookService, DeliveryService, DeliverySender, DeliveryRetention, WebhookAutoDisable],
  exports: [WebhookService, DeliveryService],
})
export class WebhookModule {}
