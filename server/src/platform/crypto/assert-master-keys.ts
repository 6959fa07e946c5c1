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
  for (const record of await em.findAll(MasterKeyRecord)) {
    const known = keys.find(({ id }) => id === record.id);
    if (known && proves(known, record.proof)) continue;
    throw new StartupError(
      known
        ? `The master key ${record.id} is not the one that values in this database were encrypted with.`
        : `Values in this database are encrypted with the master key ${record.id}, which is not configured.`,
      'Put the key into FLOWPACT_MASTER_KEYS, or use the data folder (FLOWPACT_DATA_DIR) whose file master.keys has it.',
    );
  }
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

function proves(key: MasterKey, proof: Uint8Array): boolean {
  try {
    return new MasterKeySealer([key]).open('', proof, proofContext) === proofText;
  } catch {
    return false;
  }
}
