import { MikroORM, type EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { DomainError, type Json } from '../domain-error.ts';
import { onOurDatabase } from '../execution/on-our-database.ts';
import { toJsonb } from '../storable.ts';
import { NodeFailure } from '../nodes/node-type.ts';
import { Workflow } from '../workflow/workflow.entity.ts';
import { KvService, type KvChange, type KvItem, type KvPlace } from './kv.service.ts';
import { KvStep, type KvScope } from './kv-entry.entity.ts';

/** The step of an execution that reads or writes. */
export interface KvWriter {
  readonly organisationId: string;
  readonly workflowId: string;
  readonly executionId: string;
  /** The same at every try of the step. */
  readonly idempotencyKey: string;
}

/** Stored values for the steps of executions: a write that a crash makes a step repeat is made once. */
@Injectable()
export class KvSteps {
  constructor(
    private readonly orm: MikroORM,
    private readonly kv: KvService,
  ) {}

  async get(step: KvWriter, scope: KvScope, key: string): Promise<{ found: boolean; value: Json; version: number }> {
    return refusals(step, async () => {
      const em = this.orm.em.fork();
      const entry = await this.kv.find(await placeOf(em, step, scope), key, em);
      return { found: entry !== undefined, value: entry?.value ?? null, version: entry?.entry.version ?? 0 };
    });
  }

  set(step: KvWriter, scope: KvScope, key: string, change: KvChange): Promise<Json> {
    return this.#once(step, async (em) => {
      const { entry } = await this.kv.set(await placeOf(em, step, scope), key, change, em);
      return { version: entry.version };
    });
  }

  append(step: KvWriter, scope: KvScope, key: string, item: KvItem): Promise<Json> {
    return this.#once(step, async (em) => {
      const { entry, value } = await this.kv.append(await placeOf(em, step, scope), key, item, em);
      return { version: entry.version, length: (value as Json[]).length };
    });
  }

  delete(step: KvWriter, scope: KvScope, key: string, ifVersion?: number): Promise<Json> {
    return this.#once(step, async (em) => ({
      deleted: await this.kv.delete(await placeOf(em, step, scope), key, ifVersion, em),
    }));
  }

  /** The result of before, when the step has done this already. */
  #once(step: KvWriter, write: (em: EntityManager) => Promise<Json>): Promise<Json> {
    const { idempotencyKey: id, organisationId } = step;
    return refusals(step, () =>
      this.orm.em.fork().transactional(async (em) => {
        await em.execute('select pg_advisory_xact_lock(hashtextextended(?, 0))', [`kv step\n${id}`]);
        const done = await em.findOne(KvStep, { id, organisationId });
        if (done) return done.result as Json;
        const result = await write(em);
        await em.execute(
          'insert into kv_step (id, organisation_id, result, created_at) values (?, ?, ?::jsonb, now())',
          [id, organisationId, toJsonb(result)],
        );
        return result;
      }),
    );
  }
}

async function placeOf(em: EntityManager, step: KvWriter, scope: KvScope): Promise<KvPlace> {
  const { organisationId, workflowId } = step;
  if (scope === 'organisation') return { organisationId, scope };
  if (scope === 'workflow') return { organisationId, scope, scopeId: workflowId };
  const where = { id: workflowId, organisation: organisationId };
  const workflow = await em.findOne(Workflow, where, { fields: ['group'] });
  if (workflow?.group) return { organisationId, scope, scopeId: workflow.group.id };
  throw new NodeFailure('kv_no_group', 'The workflow is in no group. Put it into one, or use another scope.');
}

/** A refusal of the domain is a failure that the workflow's author can act on. */
async function refusals<T>({ executionId }: KvWriter, work: () => Promise<T>): Promise<T> {
  try {
    return await onOurDatabase(executionId, work);
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    throw new NodeFailure(error.code, error.message, error.details as Record<string, Json>, { cause: error });
  }
}
