/** What the operator decides about webhooks. */
export abstract class WebhookSettings {
  /** Seconds to wait after each failed attempt; there is one attempt more than waits. */
  abstract readonly retrySeconds: readonly number[];
  /** Days without a single success after which a webhook is disabled. */
  abstract readonly disableAfterDays: number;
}
