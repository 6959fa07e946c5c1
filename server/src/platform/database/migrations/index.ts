import type { MigrationObject } from '@mikro-orm/core';
import { Migration20261122000100_identity } from './Migration20261122000100_identity.ts';
import { Migration20261122000200_workflows } from './Migration20261122000200_workflows.ts';
import { Migration20261122000300_executions } from './Migration20261122000300_executions.ts';
import { Migration20261122000400_waits } from './Migration20261122000400_waits.ts';
import { Migration20261122000500_runs } from './Migration20261122000500_runs.ts';
import { Migration20261122000700_triggers } from './Migration20261122000700_triggers.ts';
import { Migration20261122000800_vault } from './Migration20261122000800_vault.ts';
import { Migration20261122000801_secrets } from './Migration20261122000801_secrets.ts';
import { Migration20261122001000_events } from './Migration20261122001000_events.ts';
import { Migration20261122000900_forms } from './Migration20261122000900_forms.ts';
import { Migration20261122000910_channels } from './Migration20261122000910_channels.ts';
import { Migration20261122001200_groups } from './Migration20261122001200_groups.ts';
import { Migration20261122001100_stream_tickets } from './Migration20261122001100_stream_tickets.ts';
import { Migration20261122001300_kv } from './Migration20261122001300_kv.ts';
import { Migration20261122001400_event_chains } from './Migration20261122001400_event_chains.ts';
import { Migration20261122001500_pauses } from './Migration20261122001500_pauses.ts';
import { Migration20261122001600_bulk_job_cancel } from './Migration20261122001600_bulk_job_cancel.ts';
import { Migration20261129160100_password_set } from './Migration20261129160100_password_set.ts';
import { Migration20261129161000_key_limits } from './Migration20261129161000_key_limits.ts';
import { Migration20261129161100_live_connections } from './Migration20261129161100_live_connections.ts';
import { Migration20261129170000_storage } from './Migration20261129170000_storage.ts';

/** Every migration in the order in which they run; listed by hand so that they are found from the source and from `dist/` alike. */
export const migrations: MigrationObject[] = [
  { name: 'Migration20261122000100_identity', class: Migration20261122000100_identity },
  { name: 'Migration20261122000200_workflows', class: Migration20261122000200_workflows },
  { name: 'Migration20261122000300_executions', class: Migration20261122000300_executions },
  { name: 'Migration20261122000400_waits', class: Migration20261122000400_waits },
  { name: 'Migration20261122000500_runs', class: Migration20261122000500_runs },
  { name: 'Migration20261122000700_triggers', class: Migration20261122000700_triggers },
  { name: 'Migration20261122000800_vault', class: Migration20261122000800_vault },
  { name: 'Migration20261122000801_secrets', class: Migration20261122000801_secrets },
  { name: 'Migration20261122001000_events', class: Migration20261122001000_events },
  { name: 'Migration20261122000900_forms', class: Migration20261122000900_forms },
  { name: 'Migration20261122000910_channels', class: Migration20261122000910_channels },
  { name: 'Migration20261122001200_groups', class: Migration20261122001200_groups },
  { name: 'Migration20261122001100_stream_tickets', class: Migration20261122001100_stream_tickets },
  { name: 'Migration20261122001300_kv', class: Migration20261122001300_kv },
  { name: 'Migration20261122001400_event_chains', class: Migration20261122001400_event_chains },
  { name: 'Migration20261122001500_pauses', class: Migration20261122001500_pauses },
  { name: 'Migration20261122001600_bulk_job_cancel', class: Migration20261122001600_bulk_job_cancel },
  { name: 'Migration20261129160100_password_set', class: Migration20261129160100_password_set },
  { name: 'Migration20261129161000_key_limits', class: Migration20261129161000_key_limits },
  { name: 'Migration20261129161100_live_connections', class: Migration20261129161100_live_connections },
  { name: 'Migration20261129170000_storage', class: Migration20261129170000_storage },
];
