import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import type { StoredResponse } from '#runtime/nest/index.ts';

const algorithm = 'aes-256-gcm';
const nonceLength = 12;
const tagLength = 16;

/**
 * Encrypts a response under the client's idempotency key, which is stored nowhere: the record of a request that made an API
 * key then holds no secret for those who read the database.
 */
export function seal(response: StoredResponse, key: string, recordId: string): Buffer {
  const nonce = randomBytes(nonceLength);
  const cipher = createCipheriv(algorithm, encryptionKey(key, recordId), nonce);
  const encrypted = Buffer.concat([cipher.update(JSON.stringify(response), 'utf8'), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), encrypted]);
}

/** What `seal` was given. Throws when the record was not sealed under this key. */
export function unseal(sealed: Buffer, key: string, recordId: string): StoredResponse {
  const nonce = sealed.subarray(0, nonceLength);
  const decipher = createDecipheriv(algorithm, encryptionKey(key, recordId), nonce, { authTagLength: tagLength });
  decipher.setAuthTag(sealed.subarray(nonceLength, nonceLength + tagLength));
  const encrypted = sealed.subarray(nonceLength + tagLength);
  return JSON.parse(Buffer.concat([decipher.update(encrypted), decipher.final()]).toString('utf8')) as StoredResponse;
}

function encryptionKey(key: string, recordId: string): Buffer {
  return Buffer.from(hkdfSync('sha256', key, recordId, 'flowpact idempotent response', 32));
}
