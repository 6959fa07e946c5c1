import { typeid } from 'typeid-js';

/** Prefixes of the TypeIDs in use, one per kind of resource. */
export type IdPrefix = 'org' | 'user' | 'key' | 'ses' | 'wf' | 'wfv' | 'grp' | 'exec' | 'step' | 'log' | 'evt' | 'wait';

/** A new TypeID such as `wf_01kaq3...`: a UUIDv7, so ids of one kind sort by their time of birth. */
export function newId(prefix: IdPrefix): string {
  return typeid(prefix).toString();
}

/** False for text that is no id of this kind; asking the database for it could even fail (a NUL ends the connection). */
export function isId(prefix: IdPrefix, text: string): boolean {
  return text.startsWith(`${prefix}_`) && /^[0-7][0-9a-hjkmnp-tv-z]{25}$/.test(text.slice(prefix.length + 1));
}
