import type { ClientBase } from 'pg';

/** A table of this installation, with the columns that are stored. */
export interface Table {
  readonly schema: 'public' | 'dbos';
  readonly name: string;
  readonly columns: readonly string[];
}

/** A sequence, and where it stands. */
export interface Sequence {
  readonly schema: 'public' | 'dbos';
  readonly name: string;
}

/** The tables of this installation in the database: these in `public`, where others may be too, and all of the engine. */
export async function tablesOf(client: ClientBase, names: readonly string[]): Promise<Table[]> {
  const { rows } = await client.query<Table>(
    `select n.nspname as schema, c.relname as name,
       (select json_agg(a.attname order by a.attnum) from pg_attribute a
         where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = '') as columns
     from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('r', 'p') and not c.relispartition
       and (n.nspname = 'dbos' or (n.nspname = 'public' and c.relname = any($1)))
     order by n.nspname desc, c.relname`,
    [names],
  );
  return rows;
}

/** The sequences of these tables and of the engine, and in `public` those of no table, some of which are the triggers'. */
export async function sequencesOf(client: ClientBase, names: readonly string[]): Promise<Sequence[]> {
  const { rows } = await client.query<Sequence>(
    `select n.nspname as schema, s.relname as name
     from pg_class s join pg_namespace n on n.oid = s.relnamespace
     left join pg_depend d on d.objid = s.oid and d.classid = 'pg_class'::regclass and d.deptype in ('a', 'i')
       and d.refclassid = 'pg_class'::regclass
     left join pg_class owner on owner.oid = d.refobjid
     where s.relkind = 'S' and (n.nspname = 'dbos' or (n.nspname = 'public' and (owner is null or owner.relname = any($1))))
     order by n.nspname desc, s.relname`,
    [names],
  );
  return rows;
}

/** The name as SQL has it. */
export function quoted(client: ClientBase, { schema, name }: { schema: string; name: string }): string {
  return `${client.escapeIdentifier(schema)}.${client.escapeIdentifier(name)}`;
}

/** The columns as SQL has them. */
export function columnList(client: ClientBase, { columns }: Pick<Table, 'columns'>): string {
  return columns.map((column) => client.escapeIdentifier(column)).join(', ');
}
