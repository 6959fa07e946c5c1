import { randomBytes } from 'node:crypto';

/** A key that wraps data keys; the id stands in every value that was sealed under it. */
export interface MasterKey {
  readonly id: string;
  /** 32 bytes. */
  readonly key: Buffer;
}

/** The keys of `id:base64` entries separated by commas; undefined for text that is anything else. */
export function parseMasterKeys(text: string): MasterKey[] | undefined {
  const keys = text.split(',').map((entry) => parseEntry(entry.trim()));
  if (keys.includes(undefined)) return undefined;
  const found = keys as MasterKey[];
  return new Set(found.map(({ id }) => id)).size === found.length ? found : undefined;
}

function parseEntry(entry: string): MasterKey | undefined {
  const [, id, base64] = /^([A-Za-z0-9_-]{1,32}):([A-Za-z0-9+/]{43}=)$/.exec(entry) ?? [];
  return id === undefined ? undefined : { id, key: Buffer.from(base64!, 'base64') };
}

/** A new key with an id of its own, in the form that `parseMasterKeys` reads. */
export function newMasterKey(): string {
  return `k${randomBytes(4).toString('hex')}:${randomBytes(32).toString('base64')}`;
}
