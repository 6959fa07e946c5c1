import { MikroORM } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { LimitedResource, Plan } from '../organisation/plan.ts';
import { runPrepared } from '../prepared-query.ts';
import { StorageAccounts } from '../storage/storage-accounts.ts';
import type { StoredBytes } from '../storage/storage-kinds.ts';

/** Executions of an organisation that have not ended, by status. */
export interface OpenExecutions {
  readonly pending: number;
  readonly running: number;
  readonly waiting: number;
  readonly paused: number;
}

/** Resources of which the organisation as a whole has a limited number. */
export type CountedResource = Exclude<LimitedResource, 'workflow_versions'>;

/** What an organisation has, as of now. */
export interface OrganisationUsage {
  readonly plan: Plan;
  readonly storage: StoredBytes;
  readonly executions: OpenExecutions;
  readonly activeApiKeys: number;
  readonly resources: Readonly<Record<CountedResource, number>>;
}

/** Counts what organisations have, beside what their plans allow. */
@Injectable()
export class UsageService {
  constructor(
    private readonly orm: MikroORM,
    private readonly accounts: StorageAccounts,
  ) {}

  async of(organisationId: string): Promise<OrganisationUsage> {
    const [[row], storage] = await Promise.all([
      runPrepared<Row>(this.orm.em, statement, [organisationId]),
      this.accounts.of(organisationId),
    ]);
    const { plan, executions, active_api_keys: activeApiKeys, ...resources } = row!;
    const open = { pending: 0, running: 0, waiting: 0, paused: 0, ...executions };
    return { plan, storage, executions: open, activeApiKeys, resources };
  }
}

type Row = Record<CountedResource, number> & {
  plan: Plan;
  executions: Partial<OpenExecutions> | null;
  active_api_keys: number;
};

const tables: Readonly<Record<CountedResource, string>> = {
  workflows: 'workflow',
  triggers: '"trigger"',
  forms: 'form',
  channels: 'channel',
  bulk_jobs: 'bulk_job',
  groups: 'workflow_group',
  webhooks: 'webhook',
  secrets: 'secret',
  credentials: 'credential',
  kv_entries: 'kv_entry',
};

const counts = Object.entries(tables).map(
  ([resource, table]) => `(select count(*)::int from ${table} where organisation_id = $1) as ${resource}`,
);

const statement = {
  name: 'flowpact_usage',
  text: `
  select plan, ${counts.join(', ')},
    (select count(*)::int from api_key where organisation_id = $1 and revoked_at is null
        and (expires_at is null or expires_at > now())) as active_api_keys,
    (select jsonb_object_agg(status, number) from (
       select status, count(*) as number from execution
        where status in ('pending', 'running', 'waiting', 'paused') and organisation_id = $1 group by status
     ) open) as executions
  from organisation where id = $1`,
};
