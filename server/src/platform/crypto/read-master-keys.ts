import type { Settings } from '../config/config.ts';
import { readOrCreateSecret } from '../config/secret.ts';
import { StartupError } from '../lifecycle/startup-error.ts';
import { type MasterKey, newMasterKey, parseMasterKeys } from './master-keys.ts';

/** The keys of the configuration, or else those of the file `master.keys` in the data folder, made at the first start. */
export function readMasterKeys({ FLOWPACT_MASTER_KEYS, FLOWPACT_DATA_DIR }: Settings): readonly MasterKey[] {
  if (FLOWPACT_MASTER_KEYS) return FLOWPACT_MASTER_KEYS;
  const keys = parseMasterKeys(readOrCreateSecret(FLOWPACT_DATA_DIR, 'master.keys', newMasterKey));
  if (keys) return keys;
  throw new StartupError(
    `The file master.keys in ${FLOWPACT_DATA_DIR} does not hold master keys.`,
    'It has one line: id:base64 entries separated by commas, the newest first. Put back what it held; without it, encrypted values cannot be read.',
  );
}
