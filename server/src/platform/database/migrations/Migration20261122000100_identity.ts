import { Migration } from '@mikro-orm/migrations';

/** Organisations, users, API keys, sessions; and the tables of rate limits and idempotency. */
export class Migration20261122000100_identity extends Migration {
  override up(): void {
    this.addOrganisations();
    this.addApiKeys();
    this.addSessions();
    this.addRequestPolicies();
  }

  override down(): void {
    const tables = [
      'idempotency_record',
      'request_count',
      'login_attempt',
      'refresh_token',
      'session',
      'api_key_secret',
      'api_key',
      'user_account',
      'organisation',
    ];
    for (const table of tables) this.addSql(`drop table ${table};`);
  }

  private addOrganisations(): void {
    this.addSql(`
      create table organisation (
        id text not null primary key,
        name text not null,
        plan text not null
          constraint organisation_plan_check check (plan in ('free', 'starter', 'pro', 'business')),
        created_at timestamptz(3) not null,
        updated_at timestamptz(3) not null
      );
      create table user_account (
        id text not null primary key,
        organisation_id text not null
          constraint user_account_organisation_id_foreign references organisation (id) on delete cascade,
        email text not null constraint user_account_email_unique unique,
        name text not null,
        role text not null constraint user_account_role_check check (role in ('owner', 'admin', 'member', 'viewer')),
        password_hash text not null,
        disabled_at timestamptz(3),
        created_at timestamptz(3) not null,
        updated_at timestamptz(3) not null
      );
      create index user_account_organisation_id_index on user_account (organisation_id);`);
  }

  private addApiKeys(): void {
    this.addSql(`
      create table api_key (
        id text not null primary key,
        organisation_id text not null
          constraint api_key_organisation_id_foreign references organisation (id) on delete cascade,
        created_by_id text constraint api_key_created_by_id_foreign references user_account (id) on delete set null,
        name text not null,
        description text,
        prefix text not null,
        grants jsonb not null,
        expires_at timestamptz(3),
        revoked_at timestamptz(3),
        rotated_at timestamptz(3),
        previous_secret_expires_at timestamptz(3),
        last_used_at timestamptz(3),
        created_at timestamptz(3) not null,
        updated_at timestamptz(3) not null
      );
      create index api_key_organisation_id_created_at_id_index on api_key (organisation_id, created_at, id);
      create table api_key_secret (
        hash text not null primary key,
        api_key_id text not null
          constraint api_key_secret_api_key_id_foreign references api_key (id) on delete cascade,
        valid_until timestamptz(3),
        created_at timestamptz(3) not null
      );
      create index api_key_secret_api_key_id_index on api_key_secret (api_key_id);`);
  }

  private addSessions(): void {
    this.addSql(`
      create table session (
        id text not null primary key,
        organisation_id text not null
          constraint session_organisation_id_foreign references organisation (id) on delete cascade,
        user_id text not null constraint session_user_id_foreign references user_account (id) on delete cascade,
        cookie_hash text not null constraint session_cookie_hash_unique unique,
        expires_at timestamptz(3) not null,
        ended_at timestamptz(3),
        end_reason text constraint session_end_reason_check check (end_reason in ('logout', 'token_reuse')),
        created_at timestamptz(3) not null
      );
      create index session_user_id_index on session (user_id);
      create index session_expires_at_index on session (expires_at);
      create table refresh_token (
        hash text not null primary key,
        session_id text not null
          constraint refresh_token_session_id_foreign references session (id) on delete cascade,
        used_at timestamptz(3),
        created_at timestamptz(3) not null
      );
      create index refresh_token_session_id_index on refresh_token (session_id);
      create table login_attempt (
        subject text not null primary key,
        window_start timestamptz(3) not null,
        attempts int not null
      );
      create index login_attempt_window_start_index on login_attempt (window_start);`);
  }

  private addRequestPolicies(): void {
    // Written at each request and worth nothing after a day: no write-ahead log, and room in the pages for cheap updates.
    this.addSql(`
      create unlogged table request_count (
        subject text not null primary key,
        minute_start timestamptz(3) not null,
        minute_count int not null,
        class_counts jsonb not null,
        day_start timestamptz(3) not null,
        day_count int not null,
        allowed boolean not null
      ) with (fillfactor = 50);
      create index request_count_day_start_index on request_count (day_start);
      create table idempotency_record (
        id text not null primary key,
        organisation_id text not null,
        fingerprint text not null,
        response bytea not null,
        expires_at timestamptz(3) not null,
        created_at timestamptz(3) not null
      );
      create index idempotency_record_expires_at_index on idempotency_record (expires_at);`);
  }
}
