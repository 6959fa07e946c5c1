import { Migration } from '@mikro-orm/migrations';

/** Executions with their steps, events and logs, and the definitions they run. */
export class Migration20261122000300_executions extends Migration {
  override up(): void {
    this.addSql(
      `create table "definition_snapshot" ("organisation_id" text not null, "hash" text not null, "definition" jsonb not null, "created_at" timestamptz(3) not null, primary key ("organisation_id", "hash"));`,
    );

    this.addSql(
      `create table "execution" ("id" text not null, "organisation_id" text not null, "workflow_id" text not null, "workflow_version" int not null, "definition_hash" text not null, "status" text not null, "progress" smallint not null default 0, "input" jsonb not null, "output" jsonb null, "error" jsonb null, "response" jsonb null, "metadata" jsonb not null, "trigger" jsonb not null, "started_by_type" text not null, "started_by_id" text not null, "event_sequence" int not null default 0, "created_at" timestamptz(3) not null, "started_at" timestamptz(3) null, "completed_at" timestamptz(3) null, primary key ("id"));`,
    );
    this.addSql(
      `create index "execution_organisation_created" on "execution" ("organisation_id", "created_at", "id");`,
    );
    this.addSql(
      `create index "execution_workflow_created" on "execution" ("organisation_id", "workflow_id", "created_at", "id");`,
    );
    this.addSql(`create index "execution_status" on "execution" ("status");`);
    this.addSql(
      `alter table "execution" add constraint "execution_status_check" check ("status" in ('pending', 'running', 'waiting', 'paused', 'completed', 'failed', 'cancelled'));`,
    );

    this.addSql(
      `create table "execution_event" ("execution_id" text not null, "sequence" int not null, "id" text not null, "organisation_id" text not null, "key" text not null, "type" text not null, "data" jsonb not null, "created_at" timestamptz(3) not null, primary key ("execution_id", "sequence"));`,
    );
    this.addSql(`alter table "execution_event" add constraint "execution_event_key" unique ("execution_id", "key");`);
    this.addSql(
      `alter table "execution_event" add constraint "execution_event_type_check" check ("type" in ('execution:started', 'execution:progress', 'execution:waiting', 'execution:completed', 'execution:failed', 'execution:cancelled', 'node:started', 'node:completed', 'node:failed'));`,
    );

    this.addSql(
      `create table "execution_log" ("id" text not null, "organisation_id" text not null, "execution_id" text not null, "node_id" text null, "attempt" int null, "key" text not null, "level" text not null, "message" text not null, "data" jsonb null, "created_at" timestamptz(3) not null, primary key ("id"));`,
    );
    this.addSql(
      `create index "execution_log_execution_created" on "execution_log" ("execution_id", "created_at", "id");`,
    );
    this.addSql(`alter table "execution_log" add constraint "execution_log_key" unique ("execution_id", "key");`);
    this.addSql(
      `alter table "execution_log" add constraint "execution_log_level_check" check ("level" in ('debug', 'info', 'warn', 'error'));`,
    );

    this.addSql(
      `create table "step" ("id" text not null, "organisation_id" text not null, "execution_id" text not null, "node_id" text not null, "node_type" text not null, "node_name" text null, "status" text not null, "attempt" int not null, "input" jsonb null, "output" jsonb null, "error" jsonb null, "port" text null, "wait_until" timestamptz(3) null, "created_at" timestamptz(3) not null, "started_at" timestamptz(3) null, "completed_at" timestamptz(3) null, primary key ("id"));`,
    );
    this.addSql(`alter table "step" add constraint "step_execution_node" unique ("execution_id", "node_id");`);
    this.addSql(
      `alter table "step" add constraint "step_status_check" check ("status" in ('pending', 'running', 'waiting', 'completed', 'failed', 'skipped', 'cancelled'));`,
    );
  }

  override down(): void {
    for (const table of ['step', 'execution_log', 'execution_event', 'execution', 'definition_snapshot']) {
      this.addSql(`drop table if exists "${table}";`);
    }
  }
}
