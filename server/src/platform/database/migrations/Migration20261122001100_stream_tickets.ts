import { Migration } from '@mikro-orm/migrations';

/** Tickets for live connections. */
export class Migration20261122001100_stream_tickets extends Migration {
  override up(): void {
    this.addSql(`
      create table stream_ticket (
        hash text not null primary key,
        organisation_id text not null
          constraint stream_ticket_organisation_id_foreign references organisation (id) on delete cascade,
        api_key_id text
          constraint stream_ticket_api_key_id_foreign references api_key (id) on delete cascade,
        session_id text
          constraint stream_ticket_session_id_foreign references session (id) on delete cascade,
        execution_id text,
        after bigint not null,
        expires_at timestamptz(3) not null
      );
      create index stream_ticket_expires_at_index on stream_ticket (expires_at);`);
  }

  override down(): void {
    this.addSql(`drop table stream_ticket;`);
  }
}
