import { Migration } from '@mikro-orm/migrations';

/** What executions wait for from outside: approvals and events. */
export class Migration20261122000400_waits extends Migration {
  override up(): void {
    this.addSql(
      `create table "execution_wait" ("id" text not null, "organisation_id" text not null, "execution_id" text not null, "node_path" text not null, "node_name" text null, "kind" text not null, "status" text not null, "signal" text not null, "token_hash" text null, "payload_schema" jsonb null, "message" text null, "details" jsonb null, "created_at" timestamptz(3) not null, "ends_at" timestamptz(3) null, "decided_at" timestamptz(3) null, "decided_by" text null, "note" text null, primary key ("id"));`,
    );
    this.addSql(`alter table "execution_wait" add constraint "execution_wait_token" unique ("token_hash");`);
    this.addSql(
      `create index "execution_wait_organisation_kind" on "execution_wait" ("organisation_id", "kind", "status", "created_at", "id");`,
    );
    this.addSql(
      `alter table "execution_wait" add constraint "execution_wait_signal" unique ("execution_id", "signal");`,
    );
    this.addSql(
      `alter table "execution_wait" add constraint "execution_wait_kind_check" check ("kind" in ('approval', 'event'));`,
    );
    this.addSql(
      `alter table "execution_wait" add constraint "execution_wait_status_check" check ("status" in ('pending', 'approved', 'declined', 'received', 'expired', 'cancelled'));`,
    );
  }

  override down(): void {
    this.addSql(`drop table if exists "execution_wait";`);
  }
}
