import { Migration } from '@mikro-orm/migrations';

/** What follows from one cause by way of events, and why a trigger has started nothing. */
export class Migration20261122001400_event_chains extends Migration {
  override up(): void {
    this.addSql(`alter table "trigger" add column "last_error" jsonb null;`);
    this.addSql(
      `create table "event_chain" ("origin_id" text not null, "organisation_id" text not null, "started" int not null, "used_at" timestamptz(3) not null, primary key ("origin_id"));`,
    );
    this.addSql(`create index "event_chain_used" on "event_chain" ("used_at");`);
  }

  override down(): void {
    this.addSql(`drop table if exists "event_chain";`);
    this.addSql(`alter table "trigger" drop column "last_error";`);
  }
}
