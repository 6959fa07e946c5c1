import { crc32 } from 'node:zlib';
import { randomBase62, sha256, toBase62 } from '../secret.ts';

const marker = 'fp_live_';
const entropyLength = 26;
const checksumLength = 6;
const pattern = new RegExp(`^${marker}[0-9A-Za-z]{${entropyLength + checksumLength}}$`);

/** A new secret: what the caller sees once, what is stored of it, and what it is recognised by afterwards. */
export interface MintedSecret {
  /** `fp_live_`, 154 random bits and a checksum, so that scanners of leaked secrets need not ask. */
  readonly text: string;
  readonly hash: string;
  readonly prefix: string;
}

/** A secret that no key has had before. */
export function mintSecret(): MintedSecret {
  const random = randomBase62(entropyLength);
  const text = marker + random + checksum(random);
  return { text, hash: sha256(text), prefix: text.slice(0, marker.length + 4) };
}

/** True for text that could be a key of this platform; false spares the look-up in the database. */
export function looksLikeApiKey(text: string): boolean {
  if (!pattern.test(text)) return false;
  const random = text.slice(marker.length, -checksumLength);
  return checksum(random) === text.slice(-checksumLength);
}

/** True for anything that claims to be an API key, also a damaged one. */
export function hasApiKeyMarker(text: string): boolean {
  return text.startsWith(marker);
}

function checksum(random: string): string {
  return toBase62(crc32(random), checksumLength);
}
