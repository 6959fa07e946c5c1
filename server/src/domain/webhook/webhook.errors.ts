import { DomainError } from '../domain-error.ts';

/** Nothing is sent to a webhook that is disabled. */
export class WebhookDisabledError extends DomainError {
  override readonly code = 'webhook_disabled';

  constructor(id: string) {
    super(`Webhook ${id} is disabled. Enable it first.`, { resource: 'webhook', id });
  }
}
