import { Migration } from '@mikro-orm/migrations';

/** Domain events, who listens to them, and the webhooks they are sent to. */
export class Migration20261122001000_events extends Migration {
  override up(): void {
    this.addSql(
      `create table "domain_event" ("id" text not null, "organisation_id" text not null, "type" text not null, "data" jsonb not null, "created_at" timestamptz(3) not null, "dispatch_at" timestamptz(3) null, "dispatch_failures" smallint not null default 0, primary key ("id"));`,
    );
    this.addSql(
      `create index "domain_event_dispatch" on "domain_event" ("dispatch_at") where "dispatch_at" is not null;`,
    );
    this.addSql(`create index "domain_event_created" on "domain_event" ("created_at");`);

    this.addSql(
      `create table "event_subscription" ("organisation_id" text not null, "event_type" text not null, "listener_kind" text not null, "listener_id" text not null, primary key ("organisation_id", "event_type", "listener_kind", "listener_id"));`,
    );
    this.addSql(`create index "event_subscription_listener" on "event_subscription" ("listener_id");`);
    this.addSql(
      `alter table "event_subscription" add constraint "event_subscription_listener_kind_check" check ("listener_kind" in ('webhook', 'trigger'));`,
    );

    this.addSql(
      `create table "webhook" ("id" text not null, "organisation_id" text not null, "created_by_id" text null, "name" text not null, "description" text null, "url" text not null, "events" text[] not null, "header_names" text[] not null, "headers" bytea null, "secret" bytea not null, "previous_secret" bytea null, "previous_secret_expires_at" timestamptz(3) null, "rotated_at" timestamptz(3) null, "enabled" boolean not null, "disabled_reason" text null, "disabled_at" timestamptz(3) null, "failing_since" timestamptz(3) null, "last_delivery_at" timestamptz(3) null, "created_at" timestamptz(3) not null, "updated_at" timestamptz(3) not null, primary key ("id"));`,
    );
    this.addSql(`create index "webhook_organisation_created" on "webhook" ("organisation_id", "created_at", "id");`);
    this.addSql(
      `alter table "webhook" add constraint "webhook_organisation_id_foreign" foreign key ("organisation_id") references "organisation" ("id") on delete cascade;`,
    );
    this.addSql(
      `alter table "webhook" add constraint "webhook_created_by_id_foreign" foreign key ("created_by_id") references "user_account" ("id") on delete set null;`,
    );
    this.addSql(
      `alter table "webhook" add constraint "webhook_disabled_reason_check" check ("disabled_reason" in ('manual', 'failures', 'gone'));`,
    );

    this.addSql(
      `create table "webhook_delivery" ("id" text not null, "organisation_id" text not null, "webhook_id" text not null, "event_id" text not null, "event_type" text not null, "origin" text not null, "status" text not null, "attempt_count" int not null, "attempts_before" int not null default 0, "next_attempt_at" timestamptz(3) null, "last_attempt_at" timestamptz(3) null, "completed_at" timestamptz(3) null, "response_status" int null, "error" text null, "created_at" timestamptz(3) not null, primary key ("id"));`,
    );
    this.addSql(
      `create index "webhook_delivery_due" on "webhook_delivery" ("next_attempt_at") where "next_attempt_at" is not null;`,
    );
    this.addSql(
      `create index "webhook_delivery_webhook_created" on "webhook_delivery" ("webhook_id", "created_at", "id");`,
    );
    this.addSql(`create index "webhook_delivery_created" on "webhook_delivery" ("created_at");`);
    this.addSql(
      `alter table "webhook_delivery" add constraint "webhook_delivery_origin_check" check ("origin" in ('event', 'test'));`,
    );
    this.addSql(
      `alter table "webhook_delivery" add constraint "webhook_delivery_status_check" check ("status" in ('pending', 'retrying', 'succeeded', 'failed'));`,
    );

    this.addSql(
      `create table "webhook_attempt" ("id" text not null, "organisation_id" text not null, "webhook_id" text not null, "delivery_id" text not null, "number" int not null, "started_at" timestamptz(3) not null, "duration_ms" int not null, "response_status" int null, "response_body" text null, "error" text null, primary key ("id"));`,
    );
    this.addSql(`create index "webhook_attempt_webhook" on "webhook_attempt" ("webhook_id");`);
    this.addSql(
      `alter table "webhook_attempt" add constraint "webhook_attempt_number" unique ("delivery_id", "number");`,
    );
  }

  override down(): void {
    for (const table of ['webhook_attempt', 'webhook_delivery', 'webhook', 'event_subscription', 'domain_event']) {
      this.addSql(`drop table if exists "${table}";`);
    }
  }
}
