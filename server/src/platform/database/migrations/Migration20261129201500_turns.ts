import { Migration } from '@mikro-orm/migrations';

/** What is due is looked for by organisation, so that organisations take turns in it. */
export class Migration20261129201500_turns extends Migration {
  override up(): void {
    this.addSql(`
      drop index webhook_delivery_due;
      create index webhook_delivery_due on webhook_delivery (organisation_id, next_attempt_at)
        where next_attempt_at is not null;
      drop index trigger_next_run;
      create index trigger_next_run on trigger (next_run_at, organisation_id);
      drop index trigger_buffered;
      create index trigger_buffered on trigger (buffered_at, organisation_id);
      create index bulk_job_organisation_worked on bulk_job (organisation_id, worked_at);`);
  }

  override down(): void {
    this.addSql(`
      drop index webhook_delivery_due;
      create index webhook_delivery_due on webhook_delivery (next_attempt_at) where next_attempt_at is not null;
      drop index trigger_next_run;
      create index trigger_next_run on trigger (next_run_at);
      drop index trigger_buffered;
      create index trigger_buffered on trigger (buffered_at);
      drop index bulk_job_organisation_worked;`);
  }
}
