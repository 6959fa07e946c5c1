import { closeSync, fsyncSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { CreatedOrganisation } from './domain/organisation/organisation.service.ts';
import type { Settings } from './platform/config/config.ts';
import { unwritable } from './platform/database/postgres-account.ts';

/**
 * The file for the secrets that the first start makes; undefined when they are printed. What is printed into something other
 * than a terminal is a log, which others read and which is kept.
 */
export function firstStartFile(
  { FLOWPACT_FIRST_KEY, FLOWPACT_DATA_DIR }: Settings,
  terminal: boolean,
): string | undefined {
  const printed = FLOWPACT_FIRST_KEY === 'print' || (FLOWPACT_FIRST_KEY === 'auto' && terminal);
  return printed ? undefined : join(resolve(FLOWPACT_DATA_DIR), 'first-start.env');
}

/** Writes the secrets as shell variables, for this user alone. Throws StartupError when the folder cannot be written. */
export function keepFirstStart(file: string, { admin, adminPassword, apiKeySecret }: CreatedOrganisation): void {
  const lines = [
    '# What the first start of Flowpact made. Keep it where your passwords are, and delete this file.',
    `FLOWPACT_EMAIL=${quoted(admin.email)}`,
    `FLOWPACT_PASSWORD=${quoted(adminPassword)}`,
    `FLOWPACT_API_KEY=${quoted(apiKeySecret)}`,
  ];
  const folder = resolve(file, '..');
  try {
    mkdirSync(folder, { recursive: true });
    // One of an earlier, failed start could have another mode.
    rmSync(file, { force: true });
    const handle = openSync(file, 'wx', 0o600);
    try {
      writeSync(handle, `${lines.join('\n')}\n`);
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
  } catch (cause) {
    throw unwritable(folder, cause);
  }
}

/** A word of the POSIX shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
