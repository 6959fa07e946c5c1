import type { MikroORM } from '@mikro-orm/postgresql';
import { executionRetentionDays, plans } from '../organisation/plan.ts';
import { removeExecutions } from './remove-executions.ts';

/** Executions removed in one transaction at most. */
const batchSize = 500;
/** How often it is looked. */
export const retentionInterval = 600_000;

/** What an organisation's plan keeps no longer; an execution is as old as its end. */
const due = `
select execution.id from organisation
  join (values ${plans.map((plan) => `('${plan}', ${executionRetentionDays[plan]})`).join(', ')}) kept(plan, days)
    on kept.plan = organisation.plan
  cross join lateral (
    select id from execution
     where execution.organisation_id = organisation.id and created_at < ?::timestamptz - kept.days * interval '1 day'
       and completed_at < ?::timestamptz - kept.days * interval '1 day'
       and status in ('completed', 'failed', 'cancelled')
     order by created_at limit ${batchSize} for update skip locked
  ) execution
 limit ${batchSize}`;

/** Removes what the plans of organisations keep no longer. */
export class ExecutionRetention {
  readonly #orm: MikroORM;

  constructor(orm: MikroORM) {
    this.#orm = orm;
  }

  /** One batch, as if it were `now`; the number of executions removed, `batchSize` when there may be more. */
  async remove(now = new Date()): Promise<number> {
    return this.#orm.em.fork().transactional(async (em) => {
      const rows = await em.execute<{ id: string }[]>(due, [now, now]);
      if (rows.length > 0) {
        await removeExecutions(
          em,
          rows.map(({ id }) => id),
        );
      }
      return rows.length;
    });
  }

  /** Batches until there is no more to remove, or the signal fires. */
  async sweep(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && (await this.remove()) > 0);
  }
}
