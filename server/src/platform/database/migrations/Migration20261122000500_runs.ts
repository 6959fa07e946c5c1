import { Migration } from '@mikro-orm/migrations';

/** Where executions come from, what a retry takes over from the one before, and things done to many of them. */
export class Migration20261122000500_runs extends Migration {
  override up(): void {
    this.addSql(
      `alter table "execution" add column "paused_from" text null, add column "parent_execution_id" text null, add column "retry_of" text null, add column "replay_of" text null;`,
    );
    this.addSql(
      `create index "execution_parent" on "execution" ("parent_execution_id") where "parent_execution_id" is not null;`,
    );
    this.addSql(
      `alter table "step" add column "variables" jsonb null, add column "reused" boolean not null default false;`,
    );
    this.addSql(`alter table "execution_event" drop constraint "execution_event_type_check";`);
    this.addSql(
      `alter table "execution_event" add constraint "execution_event_type_check" check ("type" in ('execution:started', 'execution:progress', 'execution:waiting', 'execution:paused', 'execution:resumed', 'execution:completed', 'execution:failed', 'execution:cancelled', 'node:started', 'node:completed', 'node:failed'));`,
    );

    this.addSql(
      `create table "bulk_job" ("id" text not null, "organisation_id" text not null, "action" text not null, "retry_from" text null, "status" text not null, "total" int not null, "succeeded" int not null, "failed" int not null, "started_by_type" text not null, "started_by_id" text not null, "created_at" timestamptz(3) not null, "started_at" timestamptz(3) null, "completed_at" timestamptz(3) null, "worked_at" timestamptz(3) null, primary key ("id"));`,
    );
    this.addSql(`create index "bulk_job_organisation_created" on "bulk_job" ("organisation_id", "created_at", "id");`);
    this.addSql(`create index "bulk_job_turn" on "bulk_job" ("worked_at") where "completed_at" is null;`);
    this.addSql(
      `alter table "bulk_job" add constraint "bulk_job_action_check" check ("action" in ('cancel', 'retry'));`,
    );
    this.addSql(
      `alter table "bulk_job" add constraint "bulk_job_status_check" check ("status" in ('pending', 'running', 'completed'));`,
    );

    this.addSql(
      `create table "bulk_job_item" ("job_id" text not null, "position" int not null, "organisation_id" text not null, "execution_id" text not null, "status" text not null, "new_execution_id" text null, "error_code" text null, "error_message" text null, "completed_at" timestamptz(3) null, primary key ("job_id", "position"));`,
    );
    this.addSql(`create index "bulk_job_item_status" on "bulk_job_item" ("job_id", "status", "position");`);
    this.addSql(
      `alter table "bulk_job_item" add constraint "bulk_job_item_status_check" check ("status" in ('pending', 'succeeded', 'failed'));`,
    );
  }

  override down(): void {
    this.addSql(`delete from "execution_event" where "type" in ('execution:paused', 'execution:resumed');`);
    this.addSql(`alter table "execution_event" drop constraint "execution_event_type_check";`);
    this.addSql(
      `alter table "execution_event" add constraint "execution_event_type_check" check ("type" in ('execution:started', 'execution:progress', 'execution:waiting', 'execution:completed', 'execution:failed', 'execution:cancelled', 'node:started', 'node:completed', 'node:failed'));`,
    );
    for (const table of ['bulk_job_item', 'bulk_job']) this.addSql(`drop table if exists "${table}";`);
    this.addSql(`alter table "step" drop column "variables", drop column "reused";`);
    this.addSql(
      `alter table "execution" drop column "paused_from", drop column "parent_execution_id", drop column "retry_of", drop column "replay_of";`,
    );
  }
}
