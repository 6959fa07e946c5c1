import type { EntityManager } from '@mikro-orm/postgresql';
import type { Json } from './domain-error.ts';
import { parseJson } from './parse-json.ts';

/** Characters of JSON that are parsed and written again within a few milliseconds. */
export const cheapJson = 262_144;
/** The same where a hundred of them come at once: those of a page. */
const cheapPart = 4_096;
/** Bytes of JSON that are read together with the row in which they are, of which there may be a hundred. */
const readWithRow = 65_536;

/** JSON of many kilobytes as the database has it: who only hands it on neither parses it nor writes it again. */
export class StoredJson {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** Large JSON that is left in the database until somebody needs its text: the values of one page may have gigabytes. */
export class UnreadJson {
  readonly read: () => Promise<string>;

  constructor(read: () => Promise<string>) {
    this.read = read;
  }
}

/** A value of the database in the form in which it is handed on best. */
export type StoredValue = Json | StoredJson | UnreadJson;

/** The value where that is cheap, and the stored text otherwise. */
export function storedJson(text: string): Json | StoredJson {
  return text.length > cheapJson ? new StoredJson(text) : (JSON.parse(text) as Json);
}

/** SQL of the text of JSON, null where it is large. */
export function shortText(json: string): string {
  return `case when octet_length(cast(${json} as text)) <= ${readWithRow} then cast(${json} as text) end`;
}

/** Where a value is in the database. */
export interface PlaceOfValue {
  readonly table: string;
  /** SQL of it, such as the name of its column. */
  readonly json: string;
  readonly id: string;
}

/** The value of which `text` was read with `shortText`; what is large is read from its place when it is needed. */
export function valueOf(em: EntityManager, text: string | null | undefined, place: PlaceOfValue): StoredValue {
  if (text === null || text === undefined) return new UnreadJson(() => readText(em.fork(), place));
  return text.length > cheapPart ? new StoredJson(text) : (JSON.parse(text) as Json);
}

/** The value itself. */
export async function jsonOf(value: StoredValue): Promise<Json> {
  if (value instanceof UnreadJson) return parseJson(await value.read());
  return value instanceof StoredJson ? parseJson(value.text) : value;
}

async function readText(em: EntityManager, { table, json, id }: PlaceOfValue): Promise<string> {
  const rows = await em.execute<{ text: string }[]>(`select cast(${json} as text) as text from ${table} where id = ?`, [
    id,
  ]);
  if (!rows[0]) throw new Error(`The row ${id} of ${table} was removed before its ${json} was read.`);
  return rows[0].text;
}
