import { Migration } from '@mikro-orm/migrations';

/** Addresses from which somebody has signed in to an account. */
export class Migration20261129171200_known_logins extends Migration {
  override up(): void {
    this.addSql(`
      create table known_login (
        subject text not null primary key,
        last_used_at timestamptz(3) not null
      );
      create index known_login_last_used_at_index on known_login (last_used_at);`);
  }

  override down(): void {
    this.addSql('drop table known_login;');
  }
}
