import { Migration } from '@mikro-orm/migrations';

/** Browsers in which somebody has signed in to an account. */
export class Migration20261129203000_known_devices extends Migration {
  override up(): void {
    this.addSql(`
      create table known_device (
        hash text not null primary key,
        user_id text not null
          constraint known_device_user_id_foreign references user_account (id) on delete cascade,
        expires_at timestamptz(3) not null
      );
      create index known_device_user_id_index on known_device (user_id);
      create index known_device_expires_at_index on known_device (expires_at);`);
  }

  override down(): void {
    this.addSql('drop table known_device;');
  }
}
