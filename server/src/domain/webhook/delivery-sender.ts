import { MikroORM } from '@mikro-orm/postgresql';
import { Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { BatchMetrics } from '../batch-metrics.ts';
import { eventLoops } from '../event/domain-events.ts';
import { failpoint } from '../failpoints.ts';
import { newId } from '../id.ts';
import { OutgoingHttp, OutgoingHttpError } from '../nodes/index.ts';
import { isPassing } from '../passing-error.ts';
import { Sealer } from '../sealer.ts';
import { inTurn } from '../tenancy/event-loop-turns.ts';
import { type DueOrganisation, DueOrganisations } from '../tenancy/due-organisations.ts';
import { watchSlots } from '../tenancy/shared-resources.ts';
import { WorkerLoops } from '../worker-loops.ts';
import {
  type AttemptOutcome,
  claimDue,
  type DeliveryRoom,
  type DueDelivery,
  dropDelivery,
  recordAttempt,
  releaseDelivery,
} from './due-deliveries.ts';
import { retryAfterSeconds, secondsUntilRetry } from './retry-schedule.ts';
import { signatureHeaders } from './signature.ts';
import { WebhookAutoDisable } from './webhook-auto-disable.ts';
import { WebhookSettings } from './webhook-settings.ts';
import { Webhook } from './webhook.entity.ts';

const everyMs = 1_000;
/** Messages under way from this process at most, those of one organisation, and those to one webhook, give or take what is claimed at once. */
const maxAtOnce = 64;
const maxPerOrganisation = 16;
const maxPerWebhook = 8;
const claimedAtOnce = 8;
const timeoutMs = 10_000;
/** For how long a claimed delivery is left to the process that claimed it: longer than an attempt can take. */
export const leaseMs = 60_000;
const largestAnswer = 1_048_576;
const keptCharacters = 10_000;
const batcher = 'webhook_deliveries';
/** What people read of a fault that lies with us; the log of the server says more. */
const ownFault = 'the platform could not send it';

/**
 * Sends what is due, as many at a time as there is room for, and writes what came of it. The organisation that has the least
 * under way comes first, and no organisation has all the room, however slow its receivers are.
 */
@Injectable()
export class DeliverySender implements OnModuleInit, OnApplicationShutdown {
  readonly #log = new Logger(DeliverySender.name);
  readonly #underWay = new Map<Promise<void>, DueDelivery>();
  readonly #due = new DueOrganisations({
    name: 'webhook_deliveries',
    table: 'webhook_delivery',
    column: 'next_attempt_at',
    by: 'organisations',
  });

  constructor(
    private readonly orm: MikroORM,
    private readonly loops: WorkerLoops,
    private readonly http: OutgoingHttp,
    private readonly sealer: Sealer,
    private readonly settings: WebhookSettings,
    private readonly autoDisable: WebhookAutoDisable,
    private readonly metrics: BatchMetrics,
  ) {}

  onModuleInit(): void {
    this.loops.add(eventLoops.deliver, { everyMs, isVital: true, run: (signal) => this.round(signal) });
    watchSlots('webhook_deliveries', () => ({ taken: this.#underWay.size, waiting: 0, oldestMs: 0 }));
  }

  /** Those that the end of the loops has cut off give their deliveries back first. */
  async onApplicationShutdown(): Promise<void> {
    await this.idle();
  }

  /** Ends when nothing is under way. */
  async idle(): Promise<void> {
    await Promise.all(this.#underWay.keys());
  }

  /** Begins to send what is due, without waiting for the answers; true when more may be due and there is room. */
  async round(signal: AbortSignal): Promise<boolean> {
    const count = Math.min(claimedAtOnce, maxAtOnce - this.#underWay.size);
    if (count <= 0 || signal.aborted) return false;
    const turns = this.#turns(await this.#due.find((text) => this.#query(text)), count);
    if (turns.length === 0) return false;
    const due = await claimDue(this.orm, { count, busy: this.#busy(), leaseMs, turns });
    if (due.length > 0) failpoint('delivery.claimed');
    for (const delivery of due) this.#begin(delivery, signal);
    return due.length > 0;
  }

  async #query(text: string): Promise<readonly DueOrganisation[]> {
    const pool = await this.orm.em.getConnection().getNativeClient();
    return (await pool.query<DueOrganisation>({ name: 'due_webhook_deliveries', text })).rows;
  }

  /**
   * Who has the least under way comes first. Nobody has more under way than is free then, so that there is always room for
   * those who have none.
   */
  #turns(due: readonly DueOrganisation[], count: number): DeliveryRoom['turns'] {
    const counts = new Map<string, number>();
    for (const delivery of this.#underWay.values())
      counts.set(delivery.organisation_id, (counts.get(delivery.organisation_id) ?? 0) + 1);
    const free = maxAtOnce - this.#underWay.size;
    const each = Math.max(1, Math.floor(count / due.length));
    return due
      .map(({ id }) => ({ organisationId: id, own: counts.get(id) ?? 0 }))
      .toSorted((a, b) => a.own - b.own)
      .map(({ organisationId, own }) => {
        const share = Math.min(maxPerOrganisation - own, Math.floor((free - own) / 2), each);
        return { organisationId, room: own === 0 ? Math.max(1, share) : share };
      })
      .filter(({ room }) => room > 0)
      .slice(0, count);
  }

  #begin(delivery: DueDelivery, signal: AbortSignal): void {
    const startedAt = new Date();
    const sending = inTurn(delivery.organisation_id, () => this.#deliver(delivery, startedAt, signal))
      .catch((error: unknown) => this.#failed(delivery, startedAt, error))
      .finally(() => {
        this.#underWay.delete(sending);
        // Whose turn comes next may have waited for this room.
        this.loops.wake(eventLoops.deliver);
      });
    this.#underWay.set(sending, delivery);
  }

  #busy(): string[] {
    const counts = new Map<string, number>();
    for (const delivery of this.#underWay.values())
      counts.set(delivery.webhook_id, (counts.get(delivery.webhook_id) ?? 0) + 1);
    return [...counts].flatMap(([id, count]) => (count >= maxPerWebhook ? [id] : []));
  }

  async #deliver(delivery: DueDelivery, startedAt: Date, signal: AbortSignal): Promise<void> {
    const { url, secret, data, enabled, origin } = delivery;
    if (url === null || secret === null) return dropDelivery(this.orm, delivery, 'the webhook is gone');
    if (data === null) return dropDelivery(this.orm, delivery, 'the event is no longer stored');
    if (!enabled && origin === 'event') return dropDelivery(this.orm, delivery, 'the webhook was disabled');
    const answer = await this.#send(delivery, url, startedAt, signal);
    if (!answer) return releaseDelivery(this.orm, delivery);
    failpoint('delivery.sent');
    const outcome = this.#judge(delivery, answer, startedAt);
    await recordAttempt(this.orm, delivery, outcome);
    if (origin === 'event' && outcome.status === 'failed' && !outcome.isOurs)
      await this.autoDisable.consider(delivery.organisation_id, delivery.webhook_id, answer.status === 410);
  }

  /**
   * What passes by itself is tried again when the lease ends. Any other error would come back as often as that, so it counts
   * as an attempt, of which there are so many, though not as a failure of the webhook.
   */
  async #failed(delivery: DueDelivery, startedAt: Date, error: unknown): Promise<void> {
    const passes = isPassing(error);
    this.metrics.batchFailed(batcher, passes ? 'passing' : 'refused');
    this.#log.error({ err: error, deliveryId: delivery.id }, 'A delivery could not be sent.');
    if (passes) return;
    try {
      const outcome = this.#judge(delivery, { failure: ownFault, isOurs: true }, startedAt);
      await recordAttempt(this.orm, delivery, outcome);
    } catch (err) {
      this.#log.error({ err, deliveryId: delivery.id }, 'A delivery that could not be sent could not be marked so.');
    }
  }

  /** What the receiver answered, or why it did not; undefined when the process stops. */
  async #send(delivery: DueDelivery, url: string, startedAt: Date, signal: AbortSignal): Promise<Answer | undefined> {
    const { event_id: id, event_type: type, happened_at: at, data } = delivery;
    const body = JSON.stringify({ id, type, timestamp: new Date(at!).toISOString(), data });
    const headers = {
      ...this.#ownHeaders(delivery),
      'content-type': 'application/json',
      'user-agent': 'Flowpact-Webhook/1.0',
      ...signatureHeaders({ id, timestamp: startedAt, body }, this.#secrets(delivery)),
    };
    try {
      const limits = { timeout: timeoutMs, redirects: 0, maxBytes: largestAnswer, signal, hasSlot: true };
      return await this.http.send({ method: 'POST', url: new URL(url), headers, body, ...limits });
    } catch (error) {
      if (signal.aborted) return undefined;
      if (error instanceof OutgoingHttpError) return { failure: error.message };
      // Whatever it is, it is no error of the database, which may pass by itself.
      this.#log.error({ err: error, deliveryId: delivery.id }, 'A delivery could not be sent.');
      this.metrics.batchFailed(batcher, 'refused');
      return { failure: ownFault, isOurs: true };
    }
  }

  #judge(delivery: DueDelivery, answer: Answer, startedAt: Date): AttemptOutcome {
    const { status, headers, body, failure, isOurs = false } = answer;
    const error = failure ?? (status! >= 200 && status! < 300 ? null : `the receiver answered ${status}`);
    const asked = status === 429 || status === 503 ? retryAfterSeconds(headers?.['retry-after']) : undefined;
    const seconds = error === null || status === 410 ? undefined : this.#secondsUntilRetry(delivery, asked);
    return {
      attemptId: newId('att'),
      startedAt,
      durationMs: Date.now() - startedAt.getTime(),
      responseStatus: status ?? null,
      responseBody: body ? readable(body) : null,
      error: error?.slice(0, 2_000) ?? null,
      status: error === null ? 'succeeded' : seconds === undefined ? 'failed' : 'retrying',
      nextAttemptAt: seconds === undefined ? null : new Date(Date.now() + seconds * 1_000),
      isOurs,
    };
  }

  #secondsUntilRetry(delivery: DueDelivery, asked: number | undefined): number | undefined {
    if (delivery.origin === 'test') return undefined;
    const failed = delivery.attempt_count - delivery.attempts_before + 1;
    return secondsUntilRetry(this.settings.retrySeconds, failed, asked);
  }

  #secrets(delivery: DueDelivery): string[] {
    const { organisation_id: organisationId, webhook_id: id, secret, previous_secret: previous } = delivery;
    const sealed = [secret, previous].filter((each) => each !== null);
    return sealed.map((each) => this.sealer.open(organisationId, each, Webhook.context(id, 'secret')));
  }

  #ownHeaders({ organisation_id: organisationId, webhook_id: id, headers }: DueDelivery): Record<string, string> {
    if (headers === null) return {};
    const given = JSON.parse(this.sealer.open(organisationId, headers, Webhook.context(id, 'headers')));
    return Object.fromEntries(
      Object.entries(given as Record<string, string>).map(([name, value]) => [name.toLowerCase(), value]),
    );
  }
}

/** What came back: an answer, or the reason why there is none. */
interface Answer {
  readonly status?: number;
  readonly headers?: Record<string, string>;
  readonly body?: Uint8Array;
  readonly failure?: string;
  /** Whether the failure is ours. */
  readonly isOurs?: boolean;
}

/** The beginning, as text that PostgreSQL can store. */
function readable(body: Uint8Array): string {
  // A character has up to four bytes.
  const text = new TextDecoder().decode(body.subarray(0, keptCharacters * 4));
  return text.slice(0, keptCharacters).replaceAll('\0', '\ufffd').toWellFormed();
}
