/** What makes a trigger start: a hand, the clock, a request to its URL, a form, an event. */
export const triggerKinds = ['manual', 'schedule', 'webhook', 'form', 'event'] as const;
/** One of `triggerKinds`. */
export type TriggerKind = (typeof triggerKinds)[number];

export const overlapPolicies = ['skip', 'buffer_one', 'allow'] as const;
/** What happens when a time comes while an execution of the schedule is not ended. */
export type OverlapPolicy = (typeof overlapPolicies)[number];

/** When a schedule runs; exactly one of `cron` and `interval`. */
export interface Timing {
  /** Five or six fields, or a nickname. */
  readonly cron: string | null;
  /** A duration of at least a second. */
  readonly interval: string | null;
  /** Of the IANA database. */
  readonly timezone: string;
  /** RFC 3339; no time before it counts. */
  readonly startsAt: string | null;
  /** RFC 3339; no time from it on counts. */
  readonly endsAt: string | null;
}

export interface ScheduleConfig extends Timing {
  readonly kind: 'schedule';
  readonly overlap: OverlapPolicy;
  /** How late a time may be and still start an execution. */
  readonly catchUpSeconds: number;
}

export type HookMethod = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** How the senders of an inbound hook prove who they are; all but `none` with the trigger's secret. */
export type HookAuth =
  | { readonly type: 'none' }
  | { readonly type: 'api_key'; readonly header: string }
  | { readonly type: 'bearer' }
  | HmacAuth;

/** How a sender signs. What concerns one format only is ignored by the others. */
export interface HmacAuth {
  readonly type: 'hmac';
  readonly format: 'standard_webhooks' | 'timestamped' | 'body';
  /** Where the signature is, for `timestamped` and `body`. */
  readonly header: string;
  /** What stands before the digest, for `body`. */
  readonly prefix: string;
  readonly algorithm: 'sha1' | 'sha256' | 'sha512';
  readonly encoding: 'hex' | 'base64';
  /** How far the time of a signature may be off. */
  readonly toleranceSeconds: number;
}

export interface WebhookConfig {
  readonly kind: 'webhook';
  readonly methods: readonly HookMethod[];
  /** What follows the URL, such as `/orders/{order_id}`; null for anything. */
  readonly path: string | null;
  readonly auth: HookAuth;
  readonly respond: 'immediately' | 'last_node' | 'respond_node';
  /** How long a sender waits at most for what `respond` promises. */
  readonly timeoutSeconds: number;
}

export interface EventConfig {
  readonly kind: 'event';
  readonly events: readonly string[];
  /** An expression over `event`; every event counts without it. */
  readonly filter: string | null;
}

/** What a trigger is set to. */
export type TriggerConfig =
  | { readonly kind: 'manual' }
  | ScheduleConfig
  | WebhookConfig
  | { readonly kind: 'form'; readonly formId: string }
  | EventConfig;
