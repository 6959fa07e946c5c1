import type { FilterQuery } from '@mikro-orm/core';
import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { type Caller, principalOf } from '../caller.ts';
import { ResourceNotFoundError } from '../domain-error.ts';
import { isId } from '../id.ts';
import { ExecutionWait, type WaitStatus } from './execution-wait.entity.ts';
import { ExecutionWaits } from './execution-waits.ts';
import { Execution } from './execution.entity.ts';
import { type StoredValue, valueOf } from '../stored-json.ts';
import { olderThan, positionOf, type Slice, type SliceRequest, toSlice } from '../slice.ts';
import { checkStorable } from '../storable.ts';

/** How an approval stands; an event is `received`, an approval never. */
export type ApprovalStatus = Exclude<WaitStatus, 'received'>;

/** A node that waits for somebody's decision, or did. */
export interface Approval {
  readonly wait: Omit<ExecutionWait, 'details' | 'detailsText'> & { readonly details?: StoredValue | null };
  readonly workflowId: string;
  /** `expired` from the moment on at which its time is over, also before the run has noticed. */
  readonly status: ApprovalStatus;
}

export interface ApprovalQuery extends SliceRequest {
  readonly statuses?: readonly ApprovalStatus[];
  readonly executionId?: string;
}

const asStored = { populate: ['detailsText', 'hasDetails'], exclude: ['details'], disableIdentityMap: true } as const;

/** What the executions of an organisation ask people for. Another organisation's id is a ResourceNotFoundError. */
@Injectable()
export class ApprovalService {
  constructor(
    private readonly em: EntityManager,
    private readonly waits: ExecutionWaits,
  ) {}

  /** Newest first. Throws ValidationFailedError for a cursor that is none. */
  async list(organisationId: string, query: ApprovalQuery): Promise<Slice<Approval>> {
    const { statuses, executionId, page = 1, perPage } = query;
    const position = positionOf(query);
    if (executionId !== undefined && !isId('exec', executionId)) return toSlice([], query, position ? undefined : 0);
    const at = new Date();
    const where: FilterQuery<ExecutionWait> = {
      organisationId,
      kind: 'approval',
      ...(executionId !== undefined && { executionId }),
      ...(statuses && { $or: statuses.map((status) => standing(status, at)) }),
    };
    const found = await this.em.find(ExecutionWait, position ? { $and: [where, olderThan(position)] } : where, {
      orderBy: { createdAt: 'desc', id: 'desc' },
      limit: perPage + 1,
      offset: position ? 0 : (page - 1) * perPage,
      ...asStored,
    });
    const total = position ? undefined : await this.em.count(ExecutionWait, where);
    const slice = toSlice(found as unknown as ExecutionWait[], query, total);
    const waits = slice.items.map((wait) => this.#withDetails(wait));
    return { ...slice, items: await this.#approvals(waits, at) };
  }

  async get(organisationId: string, id: string): Promise<Approval> {
    const wait = await this.#find(this.em, organisationId, id, asStored);
    return (await this.#approvals([this.#withDetails(wait)], new Date()))[0]!;
  }

  /** Decides, and lets the execution go on. Throws WaitClosedError when there is nothing to decide any more. */
  async decide(
    caller: Caller,
    id: string,
    status: 'approved' | 'declined',
    note: string | null = null,
  ): Promise<Approval> {
    checkStorable('note', note);
    const wait = await this.em.transactional(async (em) => {
      const found = await this.#find(em, caller.organisationId, id);
      await this.waits.answer(found, { status, decidedBy: principalOf(caller), note }, em);
      return found;
    });
    return (await this.#approvals([wait], new Date()))[0]!;
  }

  async #find(
    em: EntityManager,
    organisationId: string,
    id: string,
    options: typeof asStored | { refresh: true } = { refresh: true },
  ): Promise<ExecutionWait> {
    const where = { id, organisationId, kind: 'approval' as const };
    const wait = isId('wait', id) && (await em.findOne(ExecutionWait, where, options));
    if (!wait) throw new ResourceNotFoundError('approval', id);
    return wait as unknown as ExecutionWait;
  }

  #withDetails(wait: ExecutionWait): Approval['wait'] {
    const { id, detailsText, hasDetails } = wait;
    const place = { table: 'execution_wait', json: 'details', id };
    return Object.assign(wait, {
      details: hasDetails ? valueOf(this.em, detailsText, place) : null,
    }) as Approval['wait'];
  }

  async #approvals(waits: readonly Approval['wait'][], at: Date): Promise<Approval[]> {
    const ids = [...new Set(waits.map(({ executionId }) => executionId))];
    const executions = await this.em.fork().find(Execution, { id: { $in: ids } }, { fields: ['workflowId'] });
    const workflows = new Map(executions.map(({ id, workflowId }) => [id, workflowId]));
    return waits.flatMap((wait) => {
      const workflowId = workflows.get(wait.executionId);
      // Deleted in between.
      if (workflowId === undefined) return [];
      const status = wait.status === 'pending' && !wait.isOpen(at) ? 'expired' : (wait.status as ApprovalStatus);
      return [{ wait, workflowId, status }];
    });
  }
}

function standing(status: ApprovalStatus, at: Date): FilterQuery<ExecutionWait> {
  if (status === 'pending') return { status, $or: [{ endsAt: null }, { endsAt: { $gt: at } }] };
  if (status === 'expired') return { $or: [{ status }, { status: 'pending', endsAt: { $lte: at } }] };
  return { status };
}
