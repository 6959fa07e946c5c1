import { createHash } from 'node:crypto';
import { fromUUIDBytes, typeid } from 'typeid-js';

/** Prefixes of the TypeIDs in use, one per kind of resource. */
export type IdPrefix =
  | 'org'
  | 'user'
  | 'key'
  | 'ses'
  | 'wf'
  | 'wfv'
  | 'grp'
  | 'exec'
  | 'job'
  | 'step'
  | 'log'
  | 'evt'
  | 'chan'
  | 'form'
  | 'sub'
  | 'wait'
  | 'wh'
  | 'sec'
  | 'cred'
  | 'dlv'
  | 'att'
  | 'trig'
  | 'occ';

/** A new TypeID such as `wf_01kaq3...`: a UUIDv7, so ids of one kind sort by their time of birth. */
export function newId(prefix: IdPrefix): string {
  return typeid(prefix).toString();
}

/** The TypeID that follows from the text: the same for the same text, and a UUIDv8 (RFC 9562 section 5.8) of its SHA-256. */
export function derivedId(prefix: IdPrefix, text: string): string {
  const bytes = createHash('sha256').update(text).digest().subarray(0, 16);
  bytes[6] = (bytes[6]! & 0x0f) | 0x80;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  return fromUUIDBytes(prefix, bytes);
}

/** False for text that is no id of this kind; asking the database for it could even fail (a NUL ends the connection). */
export function isId(prefix: IdPrefix, text: string): boolean {
  return text.startsWith(`${prefix}_`) && /^[0-7][0-9a-hjkmnp-tv-z]{25}$/.test(text.slice(prefix.length + 1));
}

/**
 * SQL that makes such an id in a statement which makes rows from others: of the time, and of the text that the SQL `seed`
 * gives, so that the same seed does not give two rows at the same time.
 */
export function newIdSql(prefix: IdPrefix, seed: string): string {
  return `(select '${prefix}_' || string_agg(
      substr('0123456789abcdefghjkmnpqrstvwxyz', substring(bits from place * 5 + 1 for 5)::bit(5)::int + 1, 1),
      '' order by place)
    from generate_series(0, 25) place, (
      select B'00' || ('x' || lpad(to_hex((extract(epoch from now()) * 1000)::bigint), 12, '0')
        || '7' || substr(hash, 1, 3) || '8' || substr(hash, 4, 15))::bit(128) as bits
      from (select md5(${seed}) as hash) hashed) made)`;
}
