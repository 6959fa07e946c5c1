import { Migration } from '@mikro-orm/migrations';

/** Live connections of organisations, counted over all processes. */
export class Migration20261129161100_live_connections extends Migration {
  override up(): void {
    this.addSql(`
      create unlogged table live_connection_count (
        organisation_id text not null primary key,
        processes jsonb not null,
        allowed boolean not null
      );`);
  }

  override down(): void {
    this.addSql('drop table live_connection_count;');
  }
}
