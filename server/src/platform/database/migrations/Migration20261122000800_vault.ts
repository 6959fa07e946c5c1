import { Migration } from '@mikro-orm/migrations';

/** Master keys by name. */
export class Migration20261122000800_vault extends Migration {
  override up(): void {
    this.addSql(
      `create table "master_key" ("id" text not null, "proof" bytea not null, "created_at" timestamptz(3) not null, primary key ("id"));`,
    );
  }

  override down(): void {
    this.addSql(`drop table if exists "master_key";`);
  }
}
