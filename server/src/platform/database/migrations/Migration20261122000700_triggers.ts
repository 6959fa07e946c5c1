import { Migration } from '@mikro-orm/migrations';

/** What starts workflows, and what became of the times of schedules. */
export class Migration20261122000700_triggers extends Migration {
  override up(): void {
    this.addSql(
      `create table "trigger" ("id" text not null, "organisation_id" text not null, "workflow_id" text not null, "name" text not null, "description" text null, "kind" text not null, "enabled" boolean not null, "config" jsonb not null, "input" jsonb null, "hook_token" text null, "form_id" text null, "secret" bytea null, "previous_secret" bytea null, "previous_secret_expires_at" timestamptz(3) null, "next_run_at" timestamptz(3) null, "buffered_at" timestamptz(3) null, "last_triggered_at" timestamptz(3) null, "trigger_count" int not null default 0, "created_at" timestamptz(3) not null, "updated_at" timestamptz(3) not null, primary key ("id"));`,
    );
    this.addSql(`create index "trigger_organisation_created" on "trigger" ("organisation_id", "created_at", "id");`);
    this.addSql(`create index "trigger_workflow" on "trigger" ("organisation_id", "workflow_id");`);
    this.addSql(`create index "trigger_form" on "trigger" ("organisation_id", "form_id");`);
    this.addSql(`create index "trigger_next_run" on "trigger" ("next_run_at");`);
    this.addSql(`create index "trigger_buffered" on "trigger" ("buffered_at");`);
    this.addSql(`alter table "trigger" add constraint "trigger_hook_token" unique ("hook_token");`);
    this.addSql(
      `alter table "trigger" add constraint "trigger_kind_check" check ("kind" in ('manual', 'schedule', 'webhook', 'form', 'event'));`,
    );

    this.addSql(
      `create table "schedule_occurrence" ("id" text not null, "organisation_id" text not null, "trigger_id" text not null, "scheduled_at" timestamptz(3) not null, "missed_until" timestamptz(3) null, "status" text not null, "execution_id" text null, "error" jsonb null, "open" boolean not null, "decided_at" timestamptz(3) not null, primary key ("id"));`,
    );
    this.addSql(`create index "schedule_occurrence_open" on "schedule_occurrence" ("open", "trigger_id");`);
    this.addSql(`create index "schedule_occurrence_decided" on "schedule_occurrence" ("decided_at");`);
    this.addSql(
      `alter table "schedule_occurrence" add constraint "schedule_occurrence_time" unique ("trigger_id", "scheduled_at");`,
    );
    this.addSql(
      `alter table "schedule_occurrence" add constraint "schedule_occurrence_status_check" check ("status" in ('started', 'buffered', 'skipped', 'missed', 'failed'));`,
    );
  }

  override down(): void {
    for (const table of ['schedule_occurrence', 'trigger']) this.addSql(`drop table if exists "${table}";`);
  }
}
