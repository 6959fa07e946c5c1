import { Migration } from '@mikro-orm/migrations';

/** Tokens that set a password, and whose attempts a count of logins is of, so that they can be forgotten together. */
export class Migration20261129233500_password_resets extends Migration {
  override up(): void {
    this.addSql(`
      create table password_reset (
        user_id text not null primary key
          constraint password_reset_user_id_foreign references user_account (id) on update cascade on delete cascade,
        hash text not null constraint password_reset_hash_unique unique,
        expires_at timestamptz(3) not null
      );
      create index password_reset_expires_at_index on password_reset (expires_at);
      alter table login_attempt add column account text;
      create index login_attempt_account_index on login_attempt (account);`);
  }

  override down(): void {
    this.addSql(`
      alter table login_attempt drop column account;
      drop table password_reset;`);
  }
}
