import { Migration } from '@mikro-orm/migrations';

/** Where executions come from, and what a retry takes over from the one before. */
export class Migration20261122000500_runs extends Migration {
  override up(): void {
    this.addSql(
      `alter table "execution" add column "parent_execution_id" text null, add column "retry_of" text null, add column "replay_of" text null;`,
    );
    this.addSql(
      `create index "execution_parent" on "execution" ("parent_execution_id") where "parent_execution_id" is not null;`,
    );
    this.addSql(
      `alter table "step" add column "variables" jsonb null, add column "reused" boolean not null default false;`,
    );
  }

  override down(): void {
    this.addSql(`alter table "step" drop column "variables", drop column "reused";`);
    this.addSql(
      `alter table "execution" drop column "parent_execution_id", drop column "retry_of", drop column "replay_of";`,
    );
  }
}
