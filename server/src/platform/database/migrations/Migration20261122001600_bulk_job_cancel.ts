import { Migration } from '@mikro-orm/migrations';

/** Bulk jobs that were cancelled, and what they have left alone. */
export class Migration20261122001600_bulk_job_cancel extends Migration {
  override up(): void {
    this.addSql(`alter table "bulk_job" add column "skipped" int not null default 0;`);
    this.#check('bulk_job', ['pending', 'running', 'completed', 'cancelled']);
    this.#check('bulk_job_item', ['pending', 'succeeded', 'failed', 'skipped']);
  }

  override down(): void {
    this.addSql(
      `delete from "bulk_job_item" where "job_id" in (select "id" from "bulk_job" where "status" = 'cancelled');`,
    );
    this.addSql(`delete from "bulk_job" where "status" = 'cancelled';`);
    this.#check('bulk_job_item', ['pending', 'succeeded', 'failed']);
    this.#check('bulk_job', ['pending', 'running', 'completed']);
    this.addSql(`alter table "bulk_job" drop column "skipped";`);
  }

  #check(table: string, statuses: readonly string[]): void {
    const list = statuses.map((status) => `'${status}'`).join(', ');
    this.addSql(`alter table "${table}" drop constraint "${table}_status_check";`);
    this.addSql(`alter table "${table}" add constraint "${table}_status_check" check ("status" in (${list}));`);
  }
}
