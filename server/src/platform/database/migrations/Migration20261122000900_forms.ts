import { Migration } from '@mikro-orm/migrations';

/** Forms, and what was submitted to them. */
export class Migration20261122000900_forms extends Migration {
  override up(): void {
    this.addSql(
      `create table "form" ("id" text not null, "organisation_id" text not null, "name" text not null, "title" text not null, "description" text null, "slug" text not null, "status" text not null, "fields" jsonb not null, "settings" jsonb not null, "workflow_id" text null, "revision" int not null, "created_by" text null, "created_at" timestamptz(3) not null, "updated_at" timestamptz(3) not null, "published_at" timestamptz(3) null, primary key ("id"));`,
    );
    this.addSql(`create index "form_organisation_created" on "form" ("organisation_id", "created_at", "id");`);
    this.addSql(`alter table "form" add constraint "form_slug" unique ("slug");`);
    this.addSql(`alter table "form" add constraint "form_status_check" check ("status" in ('draft', 'published'));`);
    this.addSql(
      `alter table "form" add constraint "form_organisation_id_foreign" foreign key ("organisation_id") references "organisation" ("id") on delete cascade;`,
    );

    this.addSql(
      `create table "form_submission" ("id" text not null, "organisation_id" text not null, "form_id" text not null, "form_revision" int not null, "source" text not null, "data" jsonb not null, "execution_id" text null, "start_error" jsonb null, "ticket" text null, "created_at" timestamptz(3) not null, primary key ("id"));`,
    );
    this.addSql(`create index "form_submission_form_created" on "form_submission" ("form_id", "created_at", "id");`);
    this.addSql(`alter table "form_submission" add constraint "form_submission_ticket" unique ("form_id", "ticket");`);
    this.addSql(
      `alter table "form_submission" add constraint "form_submission_source_check" check ("source" in ('page', 'api'));`,
    );
    this.addSql(
      `alter table "form_submission" add constraint "form_submission_organisation_id_foreign" foreign key ("organisation_id") references "organisation" ("id") on delete cascade;`,
    );
    this.addSql(
      `alter table "form_submission" add constraint "form_submission_form_id_foreign" foreign key ("form_id") references "form" ("id") on delete cascade;`,
    );
  }

  override down(): void {
    this.addSql(`drop table if exists "form_submission";`);
    this.addSql(`drop table if exists "form";`);
  }
}
