import { Migration } from '@mikro-orm/migrations';

/** What counting the open executions of one organisation reads, and when definitions were last needed. */
export class Migration20261129203700_usage extends Migration {
  override up(): void {
    this.addSql(`drop index "execution_status";`);
    this.addSql(`create index "execution_status" on "execution" ("status", "organisation_id");`);
    this.addSql(`alter table "definition_snapshot" add column "used_at" timestamptz(3) not null default now();`);
  }

  override down(): void {
    this.addSql(`alter table "definition_snapshot" drop column "used_at";`);
    this.addSql(`drop index "execution_status";`);
    this.addSql(`create index "execution_status" on "execution" ("status");`);
  }
}
