import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto';
import { Sealer } from '../../domain/sealer.ts';
import type { MasterKey } from './master-keys.ts';

const algorithm = 'aes-256-gcm';
const nonceLength = 12;
const tagLength = 16;
const keyLength = 32;
const boxLength = nonceLength + tagLength + keyLength;
const version = 1;

/**
 * Envelope encryption with AES-256-GCM. Every value has a data key of its own, which is wrapped by a master key:
 *
 *     version (1) | length of the key's id (1) | id | wrapped data key (12 + 16 + 32) | value (12 + 16 + n)
 *
 * The value is bound to its organisation and context, the data key to the id of the master key.
 */
export class MasterKeySealer extends Sealer {
  readonly #keys: readonly MasterKey[];

  /** The newest key first: it seals, all of them open. */
  constructor(keys: readonly MasterKey[]) {
    super();
    if (keys.length === 0) throw new Error('There is no master key.');
    this.#keys = keys;
  }

  override seal(organisationId: string, plaintext: string, context: string): Buffer {
    const dataKey = randomBytes(keyLength);
    const value = encrypt(dataKey, Buffer.from(plaintext, 'utf8'), bindingOf(organisationId, context));
    return Buffer.concat([this.#wrapped(dataKey), value]);
  }

  override open(organisationId: string, sealed: Uint8Array, context: string): string {
    const { dataKey, value } = this.#unwrapped(Buffer.from(sealed));
    return decrypt(dataKey, value, bindingOf(organisationId, context)).toString('utf8');
  }

  /** The same value with its data key under the newest master key; undefined when it is already. */
  rewrap(sealed: Uint8Array): Buffer | undefined {
    const { keyId, dataKey, value } = this.#unwrapped(Buffer.from(sealed));
    return keyId === this.#keys[0]!.id ? undefined : Buffer.concat([this.#wrapped(dataKey), value]);
  }

  override codes(text: string): string[] {
    return this.#keys.map(({ key }) => createHmac('sha256', key).update(`code\0${text}`).digest('hex').slice(0, 32));
  }

  #wrapped(dataKey: Buffer): Buffer {
    const { id, key } = this.#keys[0]!;
    const head = Buffer.concat([Buffer.of(version, id.length), Buffer.from(id, 'latin1')]);
    return Buffer.concat([head, encrypt(key, dataKey, wrapping(id))]);
  }

  #unwrapped(sealed: Buffer): { keyId: string; dataKey: Buffer; value: Buffer } {
    if (sealed[0] !== version) throw new Error('The value was not sealed by this version of the server.');
    const start = 2 + sealed[1]!;
    const keyId = sealed.toString('latin1', 2, start);
    const master = this.#keys.find(({ id }) => id === keyId);
    if (!master) throw new Error(`The value is sealed under the master key ${keyId}, which is not configured.`);
    const dataKey = decrypt(master.key, sealed.subarray(start, start + boxLength), wrapping(keyId));
    return { keyId, dataKey, value: sealed.subarray(start + boxLength) };
  }
}

function bindingOf(organisationId: string, context: string): Buffer {
  return Buffer.from(`${organisationId}\0${context}`, 'utf8');
}

function wrapping(keyId: string): Buffer {
  return Buffer.from(`data key\0${keyId}`, 'utf8');
}

/** nonce | tag | ciphertext */
function encrypt(key: Buffer, plaintext: Buffer, binding: Buffer): Buffer {
  const nonce = randomBytes(nonceLength);
  const cipher = createCipheriv(algorithm, key, nonce).setAAD(binding);
  const encrypted = Buffer.concat([cipher.update(plaintext), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), encrypted]);
}

function decrypt(key: Buffer, box: Buffer, binding: Buffer): Buffer {
  const decipher = createDecipheriv(algorithm, key, box.subarray(0, nonceLength), { authTagLength: tagLength });
  decipher.setAAD(binding).setAuthTag(box.subarray(nonceLength, nonceLength + tagLength));
  return Buffer.concat([decipher.update(box.subarray(nonceLength + tagLength)), decipher.final()]);
}
