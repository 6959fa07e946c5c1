import { Migration } from '@mikro-orm/migrations';

/** Workflows and their published versions. */
export class Migration20261122000200_workflows extends Migration {
  override up(): void {
    this.addSql(
      `create table "workflow" ("id" text not null, "organisation_id" text not null, "name" text not null, "description" text null, "status" text not null, "tags" text[] not null, "definition" jsonb not null, "definition_hash" text not null, "node_count" int not null, "revision" int not null, "published_version" int null, "published_hash" text null, "published_at" timestamptz(3) null, "created_at" timestamptz(3) not null, "updated_at" timestamptz(3) not null, primary key ("id"));`,
    );
    this.addSql(`create index "workflow_organisation_created" on "workflow" ("organisation_id", "created_at", "id");`);
    this.addSql(`create index "workflow_organisation_updated" on "workflow" ("organisation_id", "updated_at", "id");`);
    this.addSql(`create index "workflow_organisation_name" on "workflow" ("organisation_id", "name", "id");`);
    this.addSql(
      `alter table "workflow" add constraint "workflow_organisation_id_foreign" foreign key ("organisation_id") references "organisation" ("id") on delete cascade;`,
    );
    this.addSql(
      `alter table "workflow" add constraint "workflow_status_check" check ("status" in ('draft', 'published', 'paused', 'archived'));`,
    );

    this.addSql(
      `create table "workflow_version" ("id" text not null, "organisation_id" text not null, "workflow_id" text not null, "version" int not null, "changelog" text null, "definition" jsonb not null, "definition_hash" text not null, "node_count" int not null, "published_at" timestamptz(3) not null, primary key ("id"));`,
    );
    this.addSql(
      `alter table "workflow_version" add constraint "workflow_version_number" unique ("workflow_id", "version");`,
    );
    this.addSql(
      `alter table "workflow_version" add constraint "workflow_version_organisation_id_foreign" foreign key ("organisation_id") references "organisation" ("id") on delete cascade;`,
    );
  }

  override down(): void {
    for (const table of ['workflow_version', 'workflow']) this.addSql(`drop table if exists "${table}";`);
  }
}
