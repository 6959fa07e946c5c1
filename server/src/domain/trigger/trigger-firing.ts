import type { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { type Json, type Problem, ValidationFailedError } from '../domain-error.ts';
import type { Execution } from '../execution/execution.entity.ts';
import { ExecutionService } from '../execution/execution.service.ts';
import { checkStorable } from '../storable.ts';
import { Evaluator, requestMaxWaitMs } from '../language/index.ts';
import { isTemplate, parseTemplate } from '../language/template.ts';
import { NodeFailure, type Scope } from '../nodes/node-type.ts';
import { starterOf, type Trigger } from './trigger.entity.ts';

/** What expressions see as `trigger`; `type` says what has happened, and so what else there is. */
export type TriggerData = { readonly type: string; readonly [name: string]: Json };

/** What starting needs of a trigger. */
export type Startable = Pick<Trigger, 'id' | 'organisationId' | 'workflowId' | 'kind' | 'input'>;

type JsonObject = Record<string, Json>;

/** One start. */
export interface Firing {
  readonly data: TriggerData;
  readonly input: JsonObject;
  readonly metadata?: JsonObject;
  /** Names the execution where the same start may be asked for twice. */
  readonly id?: string;
}

/** Turns what has happened into an execution. */
@Injectable()
export class TriggerFiring {
  constructor(
    private readonly executions: ExecutionService,
    private readonly evaluator: Evaluator,
  ) {}

  /**
   * What the execution gets as `input`: the trigger's own, evaluated over `data`, or what its kind brings along. Throws
   * ValidationFailedError when an expression fails, and SandboxUnavailableError.
   */
  async inputOf(trigger: Startable, data: TriggerData): Promise<JsonObject> {
    if (!trigger.input) return broughtAlong(data);
    try {
      const { organisationId } = trigger;
      const turn = { organisationId, maxWaitMs: requestMaxWaitMs };
      return (await this.evaluator.evaluate(trigger.input, this.scopeOf(trigger, data), turn)) as JsonObject;
    } catch (error) {
      if (!(error instanceof NodeFailure)) throw error;
      throw new ValidationFailedError(`The input of the trigger cannot be made: ${error.message}`, [
        { field: 'input', message: error.message, location: 'body' },
      ]);
    }
  }

  /** What expressions of a trigger may read: `trigger`, since nothing runs yet. */
  scopeOf({ id, workflowId }: Startable, data: TriggerData): Scope {
    const execution = { id, workflow_id: workflowId, started_at: new Date().toISOString() };
    return { input: {}, steps: {}, variables: {}, trigger: data, execution };
  }

  /** Accepts the execution, in the transaction of `em` if it has one. Throws what ExecutionService.start throws. */
  async start(em: EntityManager, trigger: Startable, { data, input, metadata, id }: Firing): Promise<Execution> {
    checkStorable('trigger', data);
    const { organisationId, workflowId } = trigger;
    const startedBy = starterOf(trigger);
    return this.executions.start({ organisationId, startedBy, workflowId, input, metadata, trigger: data, id, em });
  }
}

/** Faults of the expressions in a trigger's `input`. */
export function inputFaults(value: Json | undefined, field = 'input'): Problem[] {
  if (typeof value === 'string') {
    const faults = isTemplate(value) ? parseTemplate(value).faults : [];
    return faults.map(({ source, message }) => ({
      field,
      message: `{{ ${source} }} does not parse: ${message}`,
      location: 'body' as const,
    }));
  }
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) =>
    inputFaults(item as Json, Array.isArray(value) ? `${field}[${key}]` : `${field}.${key}`),
  );
}

function broughtAlong(data: TriggerData): JsonObject {
  const { body, values, event } = data;
  const brought = body ?? values ?? (isObject(event) ? event['data'] : undefined);
  return isObject(brought) ? brought : {};
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
