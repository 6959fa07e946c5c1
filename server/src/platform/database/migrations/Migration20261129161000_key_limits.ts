import { Migration } from '@mikro-orm/migrations';

/** Keys with limits of their own, and how far these are used. */
export class Migration20261129161000_key_limits extends Migration {
  override up(): void {
    this.addSql(`
      alter table api_key add column requests_per_minute int, add column requests_per_day int;
      alter table request_count
        add column key_minute_counts jsonb not null default '{}',
        add column key_day_counts jsonb not null default '{}';`);
  }

  override down(): void {
    this.addSql(`
      alter table request_count drop column key_minute_counts, drop column key_day_counts;
      alter table api_key drop column requests_per_minute, drop column requests_per_day;`);
  }
}
