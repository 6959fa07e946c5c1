import { LockMode } from '@mikro-orm/core';
import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable, Logger } from '@nestjs/common';
import { assertMayExecute, assertMayHear } from '../assert-scopes.ts';
import { type Caller, principalOf } from '../caller.ts';
import { DomainError, type Json, type Problem, ResourceNotFoundError, ValidationFailedError } from '../domain-error.ts';
import { DomainEvents } from '../event/domain-events.ts';
import type { EventType } from '../event/event-type.ts';
import type { Execution } from '../execution/execution.entity.ts';
import { Form } from '../form/form.entity.ts';
import { checkStorable } from '../storable.ts';
import { isId } from '../id.ts';
import { assertMoreAllowed, takeTurns } from '../organisation/take-turns.ts';
import { type Page, type PageRequest, rangeOf } from '../page.ts';
import { Sealer } from '../sealer.ts';
import { WorkflowService } from '../workflow/workflow.service.ts';
import { configFaults, needsSecret } from './config-faults.ts';
import { mintHookSecret, secretFaults } from './hook-secret.ts';
import { ScheduleOccurrence } from './schedule-occurrence.entity.ts';
import type { TriggerConfig, TriggerKind } from './trigger-config.ts';
import { inputFaults, type TriggerData, TriggerFiring } from './trigger-firing.ts';
import { recordStarts, type StartOutcome, Trigger } from './trigger.entity.ts';
import { TriggerDisabledError, TriggerWithoutSecretError } from './trigger.errors.ts';

/** What a trigger is made from. */
export interface NewTrigger {
  readonly workflowId: string;
  readonly name: string;
  readonly description?: string | null;
  readonly enabled: boolean;
  readonly config: TriggerConfig;
  readonly input?: Record<string, Json> | null;
  /** One is made where it is needed and absent. */
  readonly secret?: string | null;
}

/** What is absent stays as it is; a config may be made from the one before. */
export interface TriggerChange extends Partial<Omit<NewTrigger, 'workflowId' | 'enabled' | 'config'>> {
  readonly config?: TriggerConfig | ((before: TriggerConfig) => TriggerConfig);
}

/** A page of triggers that satisfy all that is given. */
export interface TriggerQuery extends PageRequest {
  readonly workflowId?: string;
  readonly kind?: TriggerKind;
  readonly enabled?: boolean;
}

/** A trigger together with the secret that was made for it, which nobody can read again. */
export interface TriggerWithSecret {
  readonly trigger: Trigger;
  readonly secret: string | null;
}

/** How a trigger is executed by hand. */
export interface ManualFiring {
  readonly input?: Record<string, Json>;
  readonly metadata?: Record<string, Json>;
}

/** A submission of a form: `data.values` is what executions get as input unless a trigger says otherwise. */
export interface FormFiring {
  readonly organisationId: string;
  readonly formId: string;
  /** Becomes `trigger`, with `type` and `trigger_id` added. */
  readonly data: Record<string, Json>;
}

const day = 86_400;

/** The triggers of an organisation. Another organisation's id is a ResourceNotFoundError. */
@Injectable()
export class TriggerService {
  readonly #log = new Logger(TriggerService.name);

  constructor(
    private readonly em: EntityManager,
    private readonly workflows: WorkflowService,
    private readonly firing: TriggerFiring,
    private readonly sealer: Sealer,
    private readonly events: DomainEvents,
  ) {}

  /** Newest first. */
  async list(organisationId: string, query: TriggerQuery): Promise<Page<Trigger>> {
    const { workflowId, kind, enabled } = query;
    if (workflowId !== undefined && !isId('wf', workflowId)) return { items: [], total: 0 };
    const [items, total] = await this.em.findAndCount(
      Trigger,
      {
        organisationId,
        ...(workflowId !== undefined && { workflowId }),
        ...(kind !== undefined && { kind }),
        ...(enabled !== undefined && { enabled }),
      },
      { orderBy: { createdAt: 'desc', id: 'desc' }, ...rangeOf(query) },
    );
    return { items, total };
  }

  /** `kind` limits what is found. */
  get(organisationId: string, id: string, kind?: TriggerKind): Promise<Trigger> {
    return find(this.em, organisationId, id, { kind });
  }

  /**
   * Throws ValidationFailedError, also for a workflow or a form that is not there and when there are too many, and
   * InsufficientScopeError when the caller may not execute workflows or not read what the events tell.
   */
  async create(caller: Caller, given: NewTrigger): Promise<TriggerWithSecret> {
    const { organisationId } = caller;
    const { workflowId, name, description = null, enabled, config, input = null } = given;
    assertGood(given);
    if (given.secret && config.kind !== 'webhook') throw onlyWebhooks();
    assertMayStart(caller, config);
    await this.#assertWorkflow(organisationId, workflowId);
    await this.#assertForm(organisationId, config);
    const trigger = Trigger.create({ organisationId, workflowId, enabled }, { name, description, config, input });
    const secret = given.secret ?? (needsSecret(config) ? mintSecretFor(config) : null);
    if (secret !== null) trigger.rotate(this.#seal(trigger, secret), new Date(0), trigger.createdAt);
    await this.em.transactional(async (em) => {
      const plan = await takeTurns(em, organisationId);
      assertMoreAllowed('triggers', plan, await em.count(Trigger, { organisationId }));
      em.persist(trigger);
      await this.#listen(em, trigger);
    });
    return { trigger, secret: given.secret ? null : secret };
  }

  /**
   * Throws ResourceNotFoundError, ValidationFailedError also for a config of another kind or one that lacks its secret, and
   * what `create` throws where what it starts, or who may start it, changes.
   */
  async update(
    caller: Caller,
    id: string,
    { secret, config: given, ...fields }: TriggerChange,
    kind?: TriggerKind,
  ): Promise<Trigger> {
    const { organisationId } = caller;
    return this.em.transactional(async (em) => {
      const trigger = await find(em, organisationId, id, { kind, lock: true });
      const config = typeof given === 'function' ? given(trigger.config) : given;
      assertGood({ ...fields, config, secret });
      assertFits(trigger, config, secret ?? this.#open(trigger));
      if (config || secret || fields.input !== undefined) assertMayStart(caller, config ?? trigger.config);
      if (config) await this.#assertForm(organisationId, config);
      if (secret && trigger.kind !== 'webhook') throw onlyWebhooks();
      if (secret) trigger.rotate(this.#seal(trigger, secret), new Date(0));
      trigger.change({ ...fields, ...(config && { config }) });
      await this.#listen(em, trigger);
      return trigger;
    });
  }

  /** What it has started goes on. Throws ResourceNotFoundError. */
  async delete(organisationId: string, id: string, kind?: TriggerKind): Promise<void> {
    await this.em.transactional(async (em) => {
      const trigger = await find(em, organisationId, id, { kind, lock: true });
      await em.nativeDelete(ScheduleOccurrence, { triggerId: id, organisationId });
      trigger.disable();
      await this.#listen(em, trigger);
      em.remove(trigger);
    });
  }

  /** Throws ResourceNotFoundError, also for a workflow that is gone, and InsufficientScopeError like `create`. */
  async enable(caller: Caller, id: string, kind?: TriggerKind): Promise<Trigger> {
    const { organisationId } = caller;
    return this.em.transactional(async (em) => {
      const trigger = await find(em, organisationId, id, { kind, lock: true });
      assertMayStart(caller, trigger.config);
      await this.workflows.get(organisationId, trigger.workflowId);
      trigger.enable();
      await this.#listen(em, trigger);
      return trigger;
    });
  }

  /** Throws ResourceNotFoundError. */
  async disable(organisationId: string, id: string, kind?: TriggerKind): Promise<Trigger> {
    return this.em.transactional(async (em) => {
      const trigger = await find(em, organisationId, id, { kind, lock: true });
      trigger.disable();
      await this.#listen(em, trigger);
      return trigger;
    });
  }

  /**
   * Gives it a new secret; the one before works for `overlapSeconds` more. Throws ResourceNotFoundError,
   * TriggerWithoutSecretError, and InsufficientScopeError when the caller may not execute what the secret starts.
   */
  async rotateSecret(
    caller: Caller,
    id: string,
    { secret, overlapSeconds = day }: { secret?: string | null; overlapSeconds?: number },
  ): Promise<TriggerWithSecret> {
    assertMayExecute(caller);
    const { organisationId } = caller;
    return this.em.transactional(async (em) => {
      const trigger = await find(em, organisationId, id, { lock: true });
      const { config } = trigger;
      if (config.kind !== 'webhook') throw new TriggerWithoutSecretError(config.kind);
      assertNone(secret ? secretFaults(secret, config.auth) : []);
      const made = secret ?? mintHookSecret(config.auth);
      trigger.rotate(this.#seal(trigger, made), new Date(Date.now() + overlapSeconds * 1_000));
      return { trigger, secret: secret ? null : made };
    });
  }

  /**
   * Starts what it starts, by hand. Throws ResourceNotFoundError, TriggerDisabledError, ValidationFailedError, and what
   * keeps the workflow from being executed.
   */
  async execute(caller: Caller, id: string, { input, metadata }: ManualFiring): Promise<Execution> {
    return this.em.transactional(async (em) => {
      const trigger = await find(em, caller.organisationId, id);
      if (!trigger.enabled) throw new TriggerDisabledError(id);
      const by = { type: caller.apiKeyId ? 'api_key' : 'user', id: principalOf(caller) };
      const data: TriggerData = { type: 'manual', trigger_id: id, by };
      const given = input ?? (await this.firing.inputOf(trigger, data));
      const execution = await this.firing.start(em, trigger, { data, input: given, metadata });
      await recordStarts(em, caller.organisationId, [{ triggerId: id }]);
      return execution;
    });
  }

  /**
   * Starts every enabled form trigger of the form, in the caller's transaction. A start that is refused is logged, and
   * changes nothing for the others.
   */
  async fireForm(em: EntityManager, { organisationId, formId, data }: FormFiring): Promise<Execution[]> {
    const triggers = await em.find(Trigger, { organisationId, formId, kind: 'form', enabled: true });
    const started: Execution[] = [];
    const outcomes: StartOutcome[] = [];
    for (const trigger of triggers) {
      try {
        const seen: TriggerData = { ...data, type: 'form', trigger_id: trigger.id, form_id: formId };
        const input = await this.firing.inputOf(trigger, seen);
        started.push(await this.firing.start(em, trigger, { data: seen, input }));
        outcomes.push({ triggerId: trigger.id });
      } catch (error) {
        // What the domain refuses it refuses before it writes anything.
        if (!(error instanceof DomainError)) throw error;
        this.#log.warn({ trigger: trigger.id, form: formId, code: error.code }, 'A form started nothing');
        outcomes.push({ triggerId: trigger.id, refusal: error });
      }
    }
    await recordStarts(em, organisationId, outcomes);
    return started;
  }

  async #assertWorkflow(organisationId: string, workflowId: string): Promise<void> {
    try {
      await this.workflows.get(organisationId, workflowId);
    } catch (error) {
      if (!(error instanceof ResourceNotFoundError)) throw error;
      const message = `names no workflow of this organisation: ${workflowId}`;
      throw new ValidationFailedError('There is no such workflow.', [
        { field: 'workflow_id', message, location: 'body' },
      ]);
    }
  }

  async #assertForm(organisation: string, config: TriggerConfig): Promise<void> {
    if (config.kind !== 'form') return;
    const { formId: id } = config;
    if (isId('form', id) && (await this.em.count(Form, { id, organisation })) > 0) return;
    throw invalid('config.form_id', `names no form of this organisation: ${id}`);
  }

  /** Has the events that an enabled event trigger waits for written down for it. */
  async #listen(em: EntityManager, { organisationId, id, config, enabled }: Trigger): Promise<void> {
    if (config.kind !== 'event') return;
    const types = enabled ? (config.events as readonly EventType[]) : [];
    await this.events.listen(em, { organisationId, kind: 'trigger', id, types });
  }

  #open({ organisationId, id, secret }: Trigger): string | null {
    return secret ? this.sealer.open(organisationId, secret, secretContext(id)) : null;
  }

  #seal(trigger: Trigger, secret: string): Buffer {
    return this.sealer.seal(trigger.organisationId, secret, secretContext(trigger.id));
  }
}

/** What the sealed secret of a trigger is bound to. */
export function secretContext(triggerId: string): string {
  return `trigger:${triggerId}`;
}

async function find(
  em: EntityManager,
  organisationId: string,
  id: string,
  { kind, lock = false }: { kind?: TriggerKind; lock?: boolean } = {},
): Promise<Trigger> {
  const where = { id, organisationId, ...(kind !== undefined && { kind }) };
  const options = { refresh: true, ...(lock && { lockMode: LockMode.PESSIMISTIC_WRITE as const }) };
  const trigger = isId('trig', id) ? await em.findOne(Trigger, where, options) : null;
  if (!trigger) throw new ResourceNotFoundError(kind ?? 'trigger', id);
  return trigger;
}

function assertGood({ name, description, config, input, secret }: Partial<NewTrigger>): void {
  for (const [field, value] of Object.entries({ name, description, input, secret }))
    checkStorable(field, value ?? null);
  if (config) checkStorable('config', config as unknown as Json);
  const secretOf = secret && config?.kind === 'webhook' ? secretFaults(secret, config.auth) : [];
  assertNone([...(config ? configFaults(config) : []), ...inputFaults(input ?? null), ...secretOf]);
}

/** Whether the change fits to what the trigger is, and the secret it has then to how it is used. */
function assertFits(trigger: Trigger, config = trigger.config, secret: string | null): void {
  if (config.kind !== trigger.kind)
    throw invalid('config.kind', `is ${trigger.kind} and cannot be changed; create another trigger`);
  if (config.kind !== 'webhook' || config.auth.type === 'none') return;
  if (secret === null) throw invalid('secret', 'is missing: give one, or let rotateTriggerSecret make one before');
  assertNone(secretFaults(secret, config.auth));
}

/** Whoever makes something start workflows could execute them, and read what they are started with. */
function assertMayStart(caller: Caller, config: TriggerConfig): void {
  assertMayExecute(caller);
  if (config.kind === 'event') assertMayHear(caller, config.events as readonly EventType[]);
}

function onlyWebhooks(): ValidationFailedError {
  return invalid('secret', 'is only for webhook triggers');
}

function invalid(field: string, message: string): ValidationFailedError {
  return new ValidationFailedError(`The trigger is not valid: ${field} ${message}.`, [
    { field, message, location: 'body' },
  ]);
}

function assertNone(faults: readonly Problem[]): void {
  if (faults.length > 0) throw new ValidationFailedError('The trigger is not valid: see details.errors.', faults);
}

function mintSecretFor(config: TriggerConfig): string | null {
  return config.kind === 'webhook' ? mintHookSecret(config.auth) : null;
}
