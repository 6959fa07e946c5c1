import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { unwritable } from '../database/postgres-account.ts';

/** The secret that is kept in the data folder under this name; made at the first start, readable by this user only. */
export function readOrCreateSecret(dataDir: string, name: string, make = randomSecret): string {
  const folder = resolve(dataDir);
  const file = join(folder, name);
  try {
    if (!existsSync(file)) {
      mkdirSync(folder, { recursive: true });
      // `wx`: of two servers that start together one writes, the other reads.
      writeFileSync(file, make(), { mode: 0o600, flag: 'wx' });
    }
    return readFileSync(file, 'utf8').trim();
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') return readFileSync(file, 'utf8').trim();
    throw unwritable(folder, cause);
  }
}

function randomSecret(): string {
  return randomBytes(36).toString('base64url');
}
