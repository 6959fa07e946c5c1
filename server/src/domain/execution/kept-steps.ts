import type { EntityManager, MikroORM } from '@mikro-orm/postgresql';
import type { Json } from '../domain-error.ts';
import { newId } from '../id.ts';
import { parseJson } from '../parse-json.ts';
import { countBytes } from '../storage/count-bytes.ts';
import type { Execution, Failure } from './execution.entity.ts';
import type { KeptNode } from './interpreter/graph-run-options.ts';

/** Steps that need not run again: those that were completed, and those whose failure was caught: they were left by a port. */
const isKept = `(status = 'completed' or (status = 'failed' and port is not null))`;

const columns = `node_id, node_type, node_name, status, attempt, input, output, error, port, variables, size, created_at, started_at,
  completed_at`;

/**
 * Copies what need not run again from one execution into another, which must not have begun, in the transaction of `em`: steps,
 * and the answer that one of them gave.
 */
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
    `update execution set response = original.response,
        output_bytes = coalesce(pg_column_size(original.response::text::jsonb), 0)
          + (select coalesce(sum(size), 0) from step where execution_id = ?)
      from execution original where execution.id = ? and original.id = ? and original.organisation_id = ?
      returning execution.output_bytes::float8 as bytes`,
    [to.id, to.id, id, organisationId],
  );
  await countBytes(em, organisationId, { outputs: taken!.bytes });
}

/** What `keepSteps` has copied into the execution, by the path of the node. It never changes, so that replays find the same. */
export async function readKeptSteps(orm: MikroORM, executionId: string): Promise<ReadonlyMap<string, KeptNode>> {
  const steps = await orm.em.fork().execute<KeptStep[]>(selectKept, [executionId]);
  const kept = new Map<string, KeptNode>();
  // Their values together may have hundreds of megabytes.
  for (const step of steps) kept.set(step.node_id, await toKeptNode(step));
  return kept;
}

/** A step that was taken over, its values as JSON text. */
interface KeptStep {
  readonly node_id: string;
  readonly status: 'completed' | 'failed';
  readonly port: string | null;
  readonly output: string | null;
  readonly variables: string | null;
  readonly error: string | null;
}

const selectKept = `
  select node_id, status, port, output::text as output, variables::text as variables, error::text as error
    from step where execution_id = ? and reused`;

async function toKeptNode({ status, port, ...texts }: KeptStep): Promise<KeptNode> {
  if (status === 'failed') {
    const { code, message, details } = (await parseJson(texts.error!)) as unknown as Failure;
    return { error: { code, message, details } };
  }
  const output = await parseJson(texts.output ?? 'null');
  const variables = await parseJson(texts.variables ?? 'null');
  const added = (variables === true ? output : variables) as Record<string, Json> | null;
  return { output, port: port ?? 'default', ...(added && { variables: added }) };
}
