import { Migration } from '@mikro-orm/migrations';

/** Stored values, and what steps have written of them. */
export class Migration20261122001300_kv extends Migration {
  override up(): void {
    this.addSql(
      `create table "kv_entry" ("scope_id" text not null, "key" text not null, "organisation_id" text not null, "scope" text not null, "group_id" text null, "workflow_id" text null, "value" bytea not null, "size" int not null, "version" int not null, "expires_at" timestamptz(3) null, "created_at" timestamptz(3) not null, "updated_at" timestamptz(3) not null, primary key ("scope_id", "key"));`,
    );
    this.addSql(`create index "kv_entry_organisation" on "kv_entry" ("organisation_id");`);
    this.addSql(`create index "kv_entry_expires" on "kv_entry" ("expires_at");`);
    this.addSql(
      `alter table "kv_entry" add constraint "kv_entry_scope_check" check ("scope" in ('organisation', 'group', 'workflow'));`,
    );
    this.addSql(
      `create table "kv_step" ("id" text not null, "organisation_id" text not null, "result" jsonb not null, "created_at" timestamptz(3) not null, primary key ("id"));`,
    );
    this.addSql(`create index "kv_step_created" on "kv_step" ("created_at");`);
    this.addSql(
      `alter table "kv_entry" add constraint "kv_entry_organisation_id_foreign" foreign key ("organisation_id") references "organisation" ("id") on delete cascade;`,
    );
    this.addSql(
      `alter table "kv_entry" add constraint "kv_entry_group_id_foreign" foreign key ("group_id") references "workflow_group" ("id") on delete cascade;`,
    );
    this.addSql(
      `alter table "kv_entry" add constraint "kv_entry_workflow_id_foreign" foreign key ("workflow_id") references "workflow" ("id") on delete cascade;`,
    );
  }

  override down(): void {
    for (const table of ['kv_step', 'kv_entry']) this.addSql(`drop table if exists "${table}";`);
  }
}
