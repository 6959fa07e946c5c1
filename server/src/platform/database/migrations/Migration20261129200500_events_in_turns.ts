import { Migration } from '@mikro-orm/migrations';

/** Organisations take turns in which their events are told. */
export class Migration20261129200500_events_in_turns extends Migration {
  override up(): void {
    this.addSql(`
      drop index domain_event_dispatch;
      create index domain_event_dispatch on domain_event (organisation_id, dispatch_at, id) where dispatch_at is not null;`);
  }

  override down(): void {
    this.addSql(`
      drop index domain_event_dispatch;
      create index domain_event_dispatch on domain_event (dispatch_at) where dispatch_at is not null;`);
  }
}
