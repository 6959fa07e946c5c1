import { Migration } from '@mikro-orm/migrations';

/** Sessions that end because the password was set anew. */
export class Migration20261129160100_password_set extends Migration {
  override up(): void {
    this.#check(['logout', 'token_reuse', 'password_set']);
  }

  override down(): void {
    this.addSql(`update "session" set "end_reason" = 'logout' where "end_reason" = 'password_set';`);
    this.#check(['logout', 'token_reuse']);
  }

  #check(reasons: readonly string[]): void {
    const list = reasons.map((reason) => `'${reason}'`).join(', ');
    this.addSql(`alter table "session" drop constraint "session_end_reason_check";`);
    this.addSql(`alter table "session" add constraint "session_end_reason_check" check ("end_reason" in (${list}));`);
  }
}
