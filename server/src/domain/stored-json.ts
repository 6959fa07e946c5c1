import type { Json } from './domain-error.ts';

/** Characters of JSON that are parsed and written again within a few milliseconds. */
export const cheapJson = 262_144;

/** JSON of many kilobytes as the database has it: who only hands it on neither parses it nor writes it again. */
export class StoredJson {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** The value where that is cheap, and the stored text otherwise. */
export function storedJson(text: string): Json | StoredJson {
  return text.length > cheapJson ? new StoredJson(text) : (JSON.parse(text) as Json);
}
