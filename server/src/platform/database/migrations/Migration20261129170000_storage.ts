import { Migration } from '@mikro-orm/migrations';

/** A table whose rows count for the storage of their organisation. */
interface CountedTable {
  readonly table: string;
  /** SQL of the bytes of one row, by the column that sums them up. */
  readonly bytes: Readonly<Record<string, string>>;
  /** Left out where no update changes the bytes of a row. */
  readonly changes?: true;
  /** Rows are counted one by one: a statement that runs for each execution inserts none, mostly, and is to cost nothing then. */
  readonly seldom?: true;
}

const sums = ['inputs', 'outputs', 'events', 'logs', 'submissions', 'kv', 'workflows', 'deliveries', 'other'] as const;

const counted: readonly CountedTable[] = [
  {
    table: 'execution',
    // What is told of an execution is counted by the statement that writes it.
    bytes: { inputs: 'input_bytes', outputs: 'output_bytes', events: 'event_bytes', logs: 'log_bytes' },
  },
  { table: 'form_submission', bytes: { submissions: 'size' } },
  { table: 'kv_entry', bytes: { kv: '200 + octet_length(key) + octet_length(value)' }, changes: true },
  { table: 'workflow', bytes: { workflows: 'size' }, changes: true },
  { table: 'workflow_version', bytes: { workflows: 'size' } },
  { table: 'definition_snapshot', bytes: { workflows: 'size' } },
  { table: 'domain_event', bytes: { deliveries: 'size' }, seldom: true },
  { table: 'webhook_delivery', bytes: { deliveries: '400' }, seldom: true },
  {
    table: 'webhook_attempt',
    bytes: { deliveries: `300 + octet_length(coalesce(response_body, '')) + octet_length(coalesce(error, ''))` },
  },
  { table: 'idempotency_record', bytes: { other: '300 + octet_length(response)' }, changes: true },
  { table: 'bulk_job_item', bytes: { other: '200' } },
  { table: 'schedule_occurrence', bytes: { other: '300' } },
];

/** Tables that a recount could not read for one organisation before. */
const byOrganisation = ['idempotency_record', 'domain_event', 'webhook_delivery'];

/** How much each organisation stores: sizes of rows, their sums, and the triggers that keep the sums. */
export class Migration20261129170000_storage extends Migration {
  override up(): void {
    this.#addSizes();
    this.#addSums();
    for (const each of counted) this.#count(each);
  }

  override down(): void {
    for (const { table, seldom } of counted) {
      this.addSql(`drop function "count_storage_of_${table}"() cascade;`);
      if (seldom) this.addSql(`drop function "count_storage_of_row_of_${table}"() cascade;`);
    }
    this.addSql(`drop table "storage_change"; drop sequence "storage_change_id"; drop table "storage_usage";`);
    for (const table of ['form_submission', 'workflow', 'workflow_version', 'definition_snapshot', 'domain_event'])
      this.addSql(`alter table "${table}" drop column "size";`);
    this.addSql(`alter table "step" drop column "size", drop column "size_change";`);
    const columns = ['input_bytes', 'output_bytes', 'event_bytes', 'log_bytes'];
    this.addSql(`alter table "execution" ${columns.map((column) => `drop column "${column}"`).join(', ')};`);
    for (const table of byOrganisation) this.addSql(`drop index "${table}_organisation";`);
  }

  #addSizes(): void {
    this.addSql(
      `alter table "execution" add column "input_bytes" int generated always as (500 + octet_length(input::text) + octet_length(metadata::text) + octet_length("trigger"::text)) stored not null,
        add column "output_bytes" bigint not null default '0', add column "event_bytes" bigint not null default '0', add column "log_bytes" bigint not null default '0';`,
    );
    this.addSql(
      `alter table "step" add column "size" int not null default 0, add column "size_change" int not null default 0;`,
    );
    const generated: Record<string, string> = {
      form_submission: '300 + octet_length(data::text)',
      workflow: '500 + octet_length(definition::text)',
      workflow_version: '500 + octet_length(definition::text)',
      definition_snapshot: '200 + octet_length(definition::text)',
      domain_event: '300 + octet_length(data::text)',
    };
    for (const [table, bytes] of Object.entries(generated))
      this.addSql(`alter table "${table}" add column "size" int generated always as (${bytes}) stored not null;`);
    this.#sizeWhatIsThere();
  }

  /** Executions of before. */
  #sizeWhatIsThere(): void {
    const length = (column: string): string => `coalesce(octet_length(${column}::text), 0)`;
    this.addSql(`update step set size = 300 + ${['input', 'output', 'error', 'variables'].map(length).join(' + ')};`);
    this.addSql(`
      update execution set
        output_bytes = ${['output', 'error', 'response'].map(length).join(' + ')}
          + coalesce((select sum(size) from step where execution_id = execution.id), 0)
          + coalesce((select sum(300 + ${['payload_schema', 'message', 'details'].map(length).join(' + ')})
                        from execution_wait where execution_id = execution.id), 0),
        event_bytes = coalesce((select sum(250 + ${length('data')}) from execution_event where execution_id = execution.id), 0),
        log_bytes = coalesce((select sum(250 + ${length('message')} + ${length('data')})
                                from execution_log where execution_id = execution.id), 0);`);
  }

  #addSums(): void {
    const columns = sums.map((sum) => `"${sum}" bigint not null default '0'`).join(', ');
    this.addSql(
      `create table "storage_usage" ("organisation_id" text not null, ${columns}, "recounted_at" timestamptz(3) null, primary key ("organisation_id"));`,
    );
    this.addSql(
      `alter table "storage_usage" add constraint "storage_usage_organisation_id_foreign" foreign key ("organisation_id") references "organisation" ("id") on update cascade on delete cascade;`,
    );
    // Rows live for a second: they are vacuumed by their number, not by their share.
    this.addSql(
      `create sequence "storage_change_id";
       create table "storage_change" ("organisation_id" text not null, "id" bigint not null, ${columns},
        primary key ("organisation_id", "id")) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);`,
    );
    for (const table of byOrganisation)
      this.addSql(`create index "${table}_organisation" on "${table}" ("organisation_id");`);
  }

  /** Statement triggers: rows of one statement make one row of `storage_change` for each organisation, in its transaction. */
  #count({ table, bytes, changes, seldom }: CountedTable): void {
    const columns = Object.keys(bytes);
    const into = `insert into storage_change (organisation_id, id, ${columns.join(', ')})`;
    const select = `select organisation_id, nextval('storage_change_id')`;
    const sumsOf = (sign: string): string => columns.map((column) => `${sign}sum(${bytes[column]})`).join(', ');
    const signed = (sign: string): string =>
      columns.map((column) => `${sign}(${bytes[column]}) as ${column}`).join(', ');
    const difference = `${into} ${select}, ${columns.map((column) => `sum(${column})`).join(', ')} from (
        select organisation_id, ${signed('')} from after_rows union all select organisation_id, ${signed('-')} from before_rows
      ) changed group by organisation_id having ${columns.map((column) => `sum(${column}) <> 0`).join(' or ')};`;
    this.addSql(`
      create function count_storage_of_${table}() returns trigger language plpgsql as $body$ begin
        if tg_op = 'INSERT' then
          ${into} ${select}, ${sumsOf('')} from after_rows group by organisation_id;
        elsif tg_op = 'DELETE' then
          ${into} ${select}, ${sumsOf('-')} from before_rows group by organisation_id;
        ${changes ? `else ${difference}` : ''}
        end if;
        return null;
      end $body$;`);
    const trigger = (event: string, rows: string): void =>
      this.addSql(
        `create trigger storage_${event} after ${event} on ${table} referencing ${rows} for each statement execute function count_storage_of_${table}();`,
      );
    if (seldom) this.#countRows(table, bytes);
    else trigger('insert', 'new table as after_rows');
    trigger('delete', 'old table as before_rows');
    if (changes) trigger('update', 'old table as before_rows new table as after_rows');
  }

  /** A row trigger. */
  #countRows(table: string, bytes: CountedTable['bytes']): void {
    const columns = Object.keys(bytes);
    const values = columns.map((column) => (bytes[column] === 'size' ? 'new.size' : bytes[column]));
    this.addSql(`
      create function count_storage_of_row_of_${table}() returns trigger language plpgsql as $body$ begin
        insert into storage_change (organisation_id, id, ${columns.join(', ')})
          values (new.organisation_id, nextval('storage_change_id'), ${values.join(', ')});
        return null;
      end $body$;`);
    this.addSql(
      `create trigger storage_insert after insert on ${table} for each row execute function count_storage_of_row_of_${table}();`,
    );
  }
}
