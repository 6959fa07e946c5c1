import type { EntityManager, MikroORM } from '@mikro-orm/postgresql';
import { DomainError, type Json, ResourceNotFoundError } from '../domain-error.ts';
import { derivedId } from '../id.ts';
import { type CallAnswer, NodeFailure } from '../nodes/node-type.ts';
import { parseJson } from '../parse-json.ts';
import { type PreparedQuery, runPrepared } from '../prepared-query.ts';
import { ChildExecutions } from './child-executions.ts';
import type { ExecutionControl } from './execution-control.ts';
import { Execution, type ExecutionStatus } from './execution.entity.ts';
import { EngineUnavailableError } from './execution.errors.ts';
import type { ExecutionService } from './execution.service.ts';

/** How many executions may have started each other in a row. */
const deepestCall = 10;

const depthOf = `
with recursive callers as (
  select started_by_type, started_by_id, 1 as depth from execution where id = ?
  union all
  select execution.started_by_type, execution.started_by_id, depth + 1
    from execution join callers on callers.started_by_type = 'execution' and execution.id = callers.started_by_id
   where depth <= ${deepestCall}
)
select max(depth)::int as depth from callers`;

interface CalledRow {
  status: ExecutionStatus;
  output: string | null;
  error: string | null;
}

/** As text: both may have megabytes. */
const selectCalled: PreparedQuery = {
  name: 'flowpact_called_execution',
  text: 'select status, output::text as output, error::text as error from execution where id = $1',
};

/** Starts executions for the nodes of others. */
export class CalledExecutions extends ChildExecutions {
  readonly #orm: MikroORM;
  readonly #service: ExecutionService;
  readonly #control: ExecutionControl;

  constructor(orm: MikroORM, service: ExecutionService, control: ExecutionControl) {
    super();
    this.#orm = orm;
    this.#service = service;
    this.#control = control;
  }

  async start(
    parentId: string,
    { workflowId, input, wait }: { workflowId: string; input: Record<string, Json>; wait: boolean },
    key: string,
  ): Promise<string> {
    const em = this.#orm.em.fork();
    const { organisationId } = await em.findOneOrFail(Execution, { id: parentId }, { fields: ['organisationId'] });
    const [callers] = await em.getConnection().execute<{ depth: number }[]>(depthOf, [parentId]);
    if (callers!.depth >= deepestCall) {
      const message = `Workflows call each other at most ${deepestCall} deep.`;
      throw new NodeFailure('call_depth_exceeded', message, { limit: deepestCall });
    }
    try {
      const { id } = await this.#service.start({
        organisationId,
        startedBy: { type: 'execution', id: parentId },
        workflowId,
        input,
        trigger: { type: 'workflow', execution_id: parentId },
        id: derivedId('exec', key),
        // What is not waited for outlives its caller.
        ...(wait && { parentExecutionId: parentId }),
        em,
      });
      return id;
    } catch (error) {
      throw refusalOf(error);
    }
  }

  async result(_: string, childId: string): Promise<Json> {
    const [child] = await runPrepared<CalledRow>(this.#orm.em, selectCalled, [childId]);
    if (!child) throw new NodeFailure('execution_deleted', `Execution ${childId} was deleted.`, { id: childId });
    const { status } = child;
    const [output, error] = [await parseJson(child.output ?? 'null'), await parseJson(child.error ?? 'null')];
    const answer: CallAnswer = { execution_id: childId, status, output, error };
    return { ...answer };
  }

  async cancel(parentId: string, childId: string): Promise<null> {
    const cancelled = await this.#orm.em.fork().transactional((em) => this.#cancelIn(em, parentId, childId));
    this.#control.announce(cancelled);
    return null;
  }

  async #cancelIn(em: EntityManager, parentId: string, childId: string): Promise<Execution[]> {
    const child = await em.findOne(
      Execution,
      { id: childId, parentExecutionId: parentId },
      { fields: ['organisationId'] },
    );
    return child ? this.#control.cancelOpen(em, child.organisationId, childId) : [];
  }
}

/** A refusal as a failure of the node, which the author of the workflow can act on. */
function refusalOf(error: unknown): unknown {
  if (!(error instanceof DomainError) || error instanceof EngineUnavailableError) return error;
  const code = error instanceof ResourceNotFoundError ? 'workflow_not_found' : error.code;
  const details = JSON.parse(JSON.stringify(error.details)) as Record<string, Json>;
  return new NodeFailure(code, error.message, details, { cause: error });
}
