import { Migration } from '@mikro-orm/migrations';

/** Channels: ways into workflows from outside. */
export class Migration20261122000910_channels extends Migration {
  override up(): void {
    this.addSql(
      `create table "channel" ("id" text not null, "organisation_id" text not null, "name" text not null, "description" text null, "kind" text not null, "slug" text not null, "auth_mode" text not null, "token_hash" text not null, "token_prefix" text not null, "enabled" boolean not null, "routes" jsonb not null, "tools" jsonb not null, "created_by" text null, "created_at" timestamptz(3) not null, "updated_at" timestamptz(3) not null, primary key ("id"));`,
    );
    this.addSql(`create index "channel_organisation_created" on "channel" ("organisation_id", "created_at", "id");`);
    this.addSql(`alter table "channel" add constraint "channel_slug" unique ("slug");`);
    this.addSql(`alter table "channel" add constraint "channel_kind_check" check ("kind" in ('http', 'mcp'));`);
    this.addSql(
      `alter table "channel" add constraint "channel_auth_mode_check" check ("auth_mode" in ('token', 'public'));`,
    );
    this.addSql(
      `alter table "channel" add constraint "channel_organisation_id_foreign" foreign key ("organisation_id") references "organisation" ("id") on delete cascade;`,
    );
  }

  override down(): void {
    this.addSql(`drop table if exists "channel";`);
  }
}
