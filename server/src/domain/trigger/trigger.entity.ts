import { defineEntity, p } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { Json } from '../domain-error.ts';
import { toJsonb } from '../storable.ts';
import { newId } from '../id.ts';
import { sealed } from '../sealer.ts';
import { randomBase62 } from '../secret.ts';
import { Timetable } from './timetable.ts';
import { type TriggerConfig, type TriggerKind, triggerKinds } from './trigger-config.ts';

/** 142 bits: nobody finds a URL by trying. */
const tokenLength = 24;

/** Characters of the reason for a refusal that are kept. */
const longestReason = 1_000;

/** Why a start was refused: the code and the message of an error, or of a limit. */
export interface Refusal {
  readonly code: string;
  readonly message: string;
}

/** The last start that was refused, with its time in RFC 3339. */
export type LastRefusal = Refusal & { readonly occurred_at: string };

const TriggerSchema = defineEntity({
  name: 'Trigger',
  tableName: 'trigger',
  properties: {
    id: p.text().primary(),
    organisationId: p.text(),
    /** What it starts; the workflow may be gone. */
    workflowId: p.text(),
    name: p.text(),
    description: p.text().nullable(),
    kind: p.enum(triggerKinds),
    enabled: p.boolean(),
    config: p.json<TriggerConfig>(),
    /** Templates over `trigger`; null for what the kind brings along. */
    input: p.json<Record<string, Json>>().nullable(),
    /** The part of the inbound URL that nobody can guess. */
    hookToken: p.text().nullable(),
    formId: p.text().nullable(),
    /** Of a webhook trigger. */
    secret: sealed().nullable(),
    previousSecret: sealed().nullable(),
    previousSecretExpiresAt: p.datetime(3).nullable(),
    /** The next time of a schedule; null while it is disabled, and when there is none. */
    nextRunAt: p.datetime(3).nullable(),
    /** A time of a schedule that waits for the execution before to end. */
    bufferedAt: p.datetime(3).nullable(),
    lastTriggeredAt: p.datetime(3).nullable(),
    triggerCount: p.integer().default(0),
    /** Of starts that nobody waits for: those of events, forms and times. */
    lastError: p.json<LastRefusal>().nullable(),
    createdAt: p.datetime(3),
    updatedAt: p.datetime(3),
  },
  uniques: [{ properties: ['hookToken'], name: 'trigger_hook_token' }],
  indexes: [
    { properties: ['organisationId', 'createdAt', 'id'], name: 'trigger_organisation_created' },
    { properties: ['organisationId', 'workflowId'], name: 'trigger_workflow' },
    { properties: ['organisationId', 'formId'], name: 'trigger_form' },
    { properties: ['nextRunAt', 'organisationId'], name: 'trigger_next_run' },
    { properties: ['bufferedAt', 'organisationId'], name: 'trigger_buffered' },
  ],
});

/** What people set about a trigger. */
export interface TriggerFields {
  name: string;
  description: string | null;
  config: TriggerConfig;
  input: Record<string, Json> | null;
}

/** Something that starts a workflow. A schedule is a trigger whose kind is `schedule`. */
export class Trigger extends TriggerSchema.class {
  static create(
    { organisationId, workflowId, enabled }: { organisationId: string; workflowId: string; enabled: boolean },
    fields: TriggerFields,
    now = new Date(),
  ): Trigger {
    const trigger = Object.assign(new Trigger(), {
      id: newId('trig'),
      organisationId,
      workflowId,
      kind: fields.config.kind,
      enabled,
      hookToken: fields.config.kind === 'webhook' ? randomBase62(tokenLength) : null,
      secret: null,
      previousSecret: null,
      previousSecretExpiresAt: null,
      nextRunAt: null,
      bufferedAt: null,
      lastTriggeredAt: null,
      triggerCount: 0,
      lastError: null,
      createdAt: now,
    });
    trigger.change(fields, now);
    return trigger;
  }

  /** Changes what is given, and forgets what was refused. A new config, which must be of the same kind, counts from `now`. */
  change({ config, ...fields }: Partial<TriggerFields>, now = new Date()): void {
    Object.assign(this, fields);
    if (config) {
      this.config = config;
      this.formId = config.kind === 'form' ? config.formId : null;
      this.plan(now);
    }
    this.lastError = null;
    this.updatedAt = now;
  }

  /** Repeating it changes nothing. */
  enable(now = new Date()): void {
    if (this.enabled) return;
    this.enabled = true;
    this.plan(now);
    this.updatedAt = now;
  }

  /** Repeating it changes nothing. What waits for its turn is forgotten. */
  disable(now = new Date()): void {
    if (!this.enabled) return;
    this.enabled = false;
    this.plan(now);
    this.bufferedAt = null;
    this.updatedAt = now;
  }

  /** Takes a new sealed secret; the one before works until `overlapEnd`. */
  rotate(secret: Buffer, overlapEnd: Date, now = new Date()): void {
    const kept = this.secret && overlapEnd > now;
    this.previousSecret = kept ? this.secret : null;
    this.previousSecretExpiresAt = kept ? overlapEnd : null;
    this.secret = secret;
    this.updatedAt = now;
  }

  /** The sealed secrets that hold at `now`, the newest first. */
  secretsAt(now: Date): Buffer[] {
    const previous = this.previousSecretExpiresAt && this.previousSecretExpiresAt > now ? this.previousSecret : null;
    return [this.secret, previous].filter((secret) => secret !== null && secret !== undefined);
  }

  /** The times of a schedule; undefined for other kinds. */
  get timetable(): Timetable | undefined {
    return this.config.kind === 'schedule' ? new Timetable(this.config, this.createdAt) : undefined;
  }

  /** It has started something. */
  used(at: Date): void {
    this.triggerCount += 1;
    this.lastTriggeredAt = at;
  }

  /** It should have started something. */
  refused(refusal: Refusal, at: Date): void {
    this.lastError = toLastRefusal(refusal, at);
  }

  private plan(now: Date): void {
    this.nextRunAt = (this.enabled && this.timetable?.after(now)) || null;
  }
}
TriggerSchema.setClass(Trigger);

/** The kind and id by which executions tell what started them. */
export function starterOf({ kind, id }: { kind: TriggerKind; id: string }): {
  type: 'schedule' | 'trigger';
  id: string;
} {
  return { type: kind === 'schedule' ? 'schedule' : 'trigger', id };
}

/** What became of one start. */
export interface StartOutcome {
  readonly triggerId: string;
  /** Absent where it was started. */
  readonly refusal?: Refusal;
}

/**
 * Writes down what became of starts, at most one of each trigger, in one statement, so that two at once are both counted.
 * It locks the triggers in the order of their ids: call it once in a transaction, after all that locks other rows.
 */
export async function recordStarts(
  em: EntityManager,
  organisationId: string,
  outcomes: readonly StartOutcome[],
  now = new Date(),
): Promise<void> {
  if (outcomes.length === 0) return;
  const rows = outcomes.map(({ triggerId: id, refusal }) => ({
    id,
    started: refusal ? 0 : 1,
    error: refusal ? toLastRefusal(refusal, now) : null,
  }));
  await em.execute(
    `with outcome as (
       select o.id, o.started, o.error from jsonb_to_recordset(?::jsonb) as o(id text, started int, error jsonb)
       join trigger t on t.id = o.id and t.organisation_id = ? order by t.id for no key update of t
     )
     update trigger t set trigger_count = t.trigger_count + outcome.started,
       last_triggered_at = case when outcome.started > 0 then now() else t.last_triggered_at end,
       last_error = coalesce(outcome.error, t.last_error)
     from outcome where outcome.id = t.id`,
    [JSON.stringify(rows), organisationId],
  );
}

/** The refusal as it is stored with the trigger. */
export function toLastRefusal({ code, message }: Refusal, at: Date): LastRefusal {
  const given: LastRefusal = { code, message: message.slice(0, longestReason), occurred_at: at.toISOString() };
  return JSON.parse(toJsonb(given)) as LastRefusal;
}
