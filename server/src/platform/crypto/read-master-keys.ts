import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Settings } from '../config/config.ts';
import { readOrCreateSecret } from '../config/secret.ts';
import { StartupError } from '../lifecycle/startup-error.ts';
import { type MasterKey, newMasterKey, parseMasterKeys } from './master-keys.ts';

const keysFile = 'master.keys';

/** The keys of the configuration, or else those of the file `master.keys` in the data folder, made at the first start. */
export function readMasterKeys({ FLOWPACT_MASTER_KEYS, FLOWPACT_DATA_DIR }: Settings): readonly MasterKey[] {
  if (FLOWPACT_MASTER_KEYS) return FLOWPACT_MASTER_KEYS;
  return keysIn(readOrCreateSecret(FLOWPACT_DATA_DIR, keysFile, newMasterKey), FLOWPACT_DATA_DIR);
}

/** The same keys where there are any, and none otherwise: nothing is made. */
export function findMasterKeys({ FLOWPACT_MASTER_KEYS, FLOWPACT_DATA_DIR }: Settings): readonly MasterKey[] {
  if (FLOWPACT_MASTER_KEYS) return FLOWPACT_MASTER_KEYS;
  const file = join(FLOWPACT_DATA_DIR, keysFile);
  return existsSync(file) ? keysIn(readFileSync(file, 'utf8').trim(), FLOWPACT_DATA_DIR) : [];
}

function keysIn(text: string, folder: string): readonly MasterKey[] {
  const keys = parseMasterKeys(text);
  if (keys) return keys;
  throw new StartupError(
    `The file ${keysFile} in ${folder} does not hold master keys.`,
    'It has one line: id:base64 entries separated by commas, the newest first. Put back what it held; without it, encrypted values cannot be read.',
  );
}
