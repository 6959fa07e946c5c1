import type { EntityManager, MikroORM } from '@mikro-orm/postgresql';
import type { Json } from '../domain-error.ts';
import { newId } from '../id.ts';
import { countBytes } from '../storage/count-bytes.ts';
import type { Execution } from './execution.entity.ts';
import type { KeptNode } from './interpreter/graph-run-options.ts';
import { Step } from './step.entity.ts';

/** Steps that need not run again: those that were completed, and those whose failure was caught: they were left by a port. */
const isKept = `(status = 'completed' or (status = 'failed' and port is not null))`;

const columns = `node_id, node_type, node_name, status, attempt, input, output, error, port, variables, size, created_at, started_at,
  completed_at`;

/** Copies what need not run again from one execution into another, which must not have begun, in the transaction of `em`. */
export async function keepSteps(em: EntityManager, from: Execution, to: Execution): Promise<void> {
  const { id, organisationId } = from;
  const count = await em.execute<{ kept: number }[]>(
    `select count(*)::int as kept from step where execution_id = ? and organisation_id = ? and ${isKept}`,
    [id, organisationId],
  );
  const ids = Array.from({ length: count[0]!.kept }, () => newId('step'));
  await em.execute(
    `insert into step (id, organisation_id, execution_id, reused, ${columns})
     select given.id, organisation_id, ?, true, ${columns} from (
       select step.*, row_number() over (order by created_at, id) as place from step
        where execution_id = ? and organisation_id = ? and ${isKept}
     ) kept
     join jsonb_array_elements_text(?::jsonb) with ordinality given(id, place) on given.place = kept.place`,
    [to.id, id, organisationId, JSON.stringify(ids)],
  );
  const [taken] = await em.execute<{ bytes: number }[]>(
    `update execution set output_bytes = coalesce(pg_column_size(response::text::jsonb), 0)
        + (select coalesce(sum(size), 0) from step where execution_id = ?)
      where id = ? returning output_bytes::float8 as bytes`,
    [to.id, to.id],
  );
  await countBytes(em, organisationId, { outputs: taken!.bytes });
}

/** What `keepSteps` has copied into the execution, by the path of the node. It never changes, so that replays find the same. */
export async function readKeptSteps(orm: MikroORM, executionId: string): Promise<ReadonlyMap<string, KeptNode>> {
  const steps = await orm.em.fork().find(Step, { executionId, reused: true });
  return new Map(steps.map((step) => [step.nodeId, toKeptNode(step)]));
}

function toKeptNode({ status, output, port, variables, error }: Step): KeptNode {
  if (status === 'failed') {
    const { code, message, details } = error!;
    return { error: { code, message, details } };
  }
  const added = (variables === true ? output : variables) as Record<string, Json> | null;
  return { output: output ?? null, port: port ?? 'default', ...(added && { variables: added }) };
}
