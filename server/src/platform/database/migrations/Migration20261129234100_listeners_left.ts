import { Migration } from '@mikro-orm/migrations';

/** Listeners that failed are told of an event again without those that did not. */
export class Migration20261129234100_listeners_left extends Migration {
  override up(): void {
    this.addSql('alter table domain_event add column dispatch_to text[];');
  }

  override down(): void {
    this.addSql('alter table domain_event drop column dispatch_to;');
  }
}
