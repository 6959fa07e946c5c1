import { Module } from '@nestjs/common';
import { WebhookModule } from '../../../domain/webhook/webhook.module.ts';
import { WebhooksController } from './webhooks.controller.ts';

@Module({ imports: [WebhookModule], controllers: [WebhooksController] })
export class WebhooksApiModule {}
