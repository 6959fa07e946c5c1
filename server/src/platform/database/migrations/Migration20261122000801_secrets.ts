import { Migration } from '@mikro-orm/migrations';

/** Secrets and credentials. */
export class Migration20261122000801_secrets extends Migration {
  override up(): void {
    this.addSql(
      `create table "secret" ("id" text not null, "organisation_id" text not null, "name" text not null, "description" text null, "tags" text[] not null, "value" bytea not null, "version" int not null, "expires_at" timestamptz(3) null, "expiry_told_at" timestamptz(3) null, "last_used_at" timestamptz(3) null, "created_at" timestamptz(3) not null, "updated_at" timestamptz(3) not null, primary key ("id"));`,
    );
    this.addSql(`alter table "secret" add constraint "secret_organisation_name" unique ("organisation_id", "name");`);
    this.addSql(`create index "secret_expires" on "secret" ("expires_at");`);
    this.addSql(
      `create table "credential" ("id" text not null, "organisation_id" text not null, "name" text not null, "type" text not null, "description" text null, "values" bytea not null, "expires_at" timestamptz(3) null, "expiry_told_at" timestamptz(3) null, "last_used_at" timestamptz(3) null, "created_at" timestamptz(3) not null, "updated_at" timestamptz(3) not null, primary key ("id"));`,
    );
    this.addSql(
      `alter table "credential" add constraint "credential_organisation_name" unique ("organisation_id", "name");`,
    );
    this.addSql(`create index "credential_expires" on "credential" ("expires_at");`);
    this.addSql(
      `alter table "credential" add constraint "credential_type_check" check ("type" in ('api_key', 'bearer', 'basic', 'oauth2', 'smtp', 'custom'));`,
    );
    this.addSql(
      `alter table "secret" add constraint "secret_organisation_id_foreign" foreign key ("organisation_id") references "organisation" ("id") on delete cascade;`,
    );
    this.addSql(
      `alter table "credential" add constraint "credential_organisation_id_foreign" foreign key ("organisation_id") references "organisation" ("id") on delete cascade;`,
    );
  }

  override down(): void {
    for (const table of ['credential', 'secret']) this.addSql(`drop table if exists "${table}";`);
  }
}
