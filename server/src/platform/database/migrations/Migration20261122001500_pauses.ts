import { Migration } from '@mikro-orm/migrations';

/** How long executions were paused. */
export class Migration20261122001500_pauses extends Migration {
  override up(): void {
    this.addSql(
      `alter table "execution" add column "paused_at" timestamptz(3) null, add column "paused_ms" bigint not null default '0';`,
    );
  }

  override down(): void {
    this.addSql(`alter table "execution" drop column "paused_at", drop column "paused_ms";`);
  }
}
