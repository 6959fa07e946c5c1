import { Migration } from '@mikro-orm/migrations';

/** Groups of workflows. */
export class Migration20261122001200_groups extends Migration {
  override up(): void {
    this.addSql(
      `create table "workflow_group" ("id" text not null, "organisation_id" text not null, "name" text not null, "description" text null, "position" int not null, "created_at" timestamptz(3) not null, "updated_at" timestamptz(3) not null, primary key ("id"));`,
    );
    this.addSql(`create index "workflow_group_order" on "workflow_group" ("organisation_id", "position", "id");`);
    this.addSql(
      `alter table "workflow_group" add constraint "workflow_group_organisation_id_foreign" foreign key ("organisation_id") references "organisation" ("id") on delete cascade;`,
    );
    this.addSql(`alter table "workflow" add column "group_id" text null;`);
    this.addSql(
      `alter table "workflow" add constraint "workflow_group_id_foreign" foreign key ("group_id") references "workflow_group" ("id") on delete set null;`,
    );
    this.addSql(`create index "workflow_group_members" on "workflow" ("group_id");`);
  }

  override down(): void {
    this.addSql(`alter table "workflow" drop column if exists "group_id";`);
    this.addSql(`drop table if exists "workflow_group";`);
  }
}
