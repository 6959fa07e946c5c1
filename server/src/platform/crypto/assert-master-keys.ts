import type { MikroORM } from '@mikro-orm/postgresql';
import { StartupError } from '../lifecycle/startup-error.ts';
import { MasterKeyRecord } from './master-key.entity.ts';
import { MasterKeySealer } from './master-key-sealer.ts';
import type { MasterKey } from './master-keys.ts';

const proofText = 'flowpact';
const proofContext = 'master key';

/**
 * Records the newest master key in the database. Throws StartupError when the database has values under a key that is
 * missing, or under another key of the same id: better at the start than when the first secret is needed.
 */
export async function assertMasterKeys(orm: MikroORM, keys: readonly MasterKey[]): Promise<void> {
  const em = orm.em.fork();
  assertKeysProven(await em.findAll(MasterKeyRecord), keys, 'this database');
  const newest = keys[0]!;
  const proof = new MasterKeySealer([newest]).seal('', proofText, proofContext);
  await em.execute('insert into master_key (id, proof, created_at) values (?, ?, now()) on conflict (id) do nothing', [
    newest.id,
    proof,
  ]);
  // Of two processes that start together with different keys of one id the second learns of it here.
  const stored = await em.findOneOrFail(MasterKeyRecord, { id: newest.id }, { disableIdentityMap: true });
  if (!proves(newest, stored.proof)) return assertMasterKeys(orm, keys);
}

/** A key that values may be encrypted with, and a known text under it. */
export interface KeyProof {
  readonly id: string;
  readonly proof: Uint8Array;
}

/** Throws StartupError unless every key that values in `place` are encrypted with is among these. */
export function assertKeysProven(proofs: readonly KeyProof[], keys: readonly MasterKey[], place: string): void {
  for (const { id, proof } of proofs) {
    const known = keys.find((key) => key.id === id);
    if (known && proves(known, proof)) continue;
    throw new StartupError(
      known
        ? `The master key ${id} is not the one that values in ${place} were encrypted with.`
        : `Values in ${place} are encrypted with the master key ${id}, which is not configured.`,
      'Put the key into FLOWPACT_MASTER_KEYS, or use the data folder (FLOWPACT_DATA_DIR) whose file master.keys has it.',
    );
  }
}

function proves(key: MasterKey, proof: Uint8Array): boolean {
  try {
    return new MasterKeySealer([key]).open('', proof, proofContext) === proofText;
  } catch {
    return false;
  }
}
