// What `npm run restore` runs: puts a backup into the database.
import { resolve } from 'node:path';
import { Command } from 'commander';
import { parseCommand, runCommand, stopAtSignals } from './command.ts';
import { readBackup, restoreBackup } from './platform/backup/restore-backup.ts';
import { Config } from './platform/config/config.ts';
import { findMasterKeys } from './platform/crypto/read-master-keys.ts';
import { openDatabase } from './platform/database/open-database.ts';

interface RestoreOptions {
  force?: boolean;
  check?: boolean;
}

async function restore(given: string, { force = false, check = false }: RestoreOptions): Promise<void> {
  // npm runs its scripts in the folder of the package; the operator means their own.
  const folder = resolve(process.env.INIT_CWD ?? '.', given);
  const { settings } = Config.from(process.env);
  const manifest = await readBackup(folder, findMasterKeys(settings));
  const rows = manifest.tables.reduce((sum, table) => sum + table.rows, 0);
  const what = `${rows} rows of ${manifest.tables.length} tables, as of ${manifest.created_at}`;
  if (check) {
    process.stdout.write(`The backup is whole, and its keys are here: ${what}. Nothing was changed.\n`);
    return;
  }
  const database = await openDatabase(settings);
  try {
    await restoreBackup({ url: database.url, folder, manifest, force });
    process.stdout.write(`Restored ${what}. Start the server.\n`);
  } finally {
    await database.close();
  }
}

stopAtSignals();
const command = new Command('npm run restore --')
  .description('Puts a backup into the database, which must be empty. No server may run meanwhile.')
  .argument('<folder>', 'the folder of the backup')
  .option('--check', 'only check that the backup is whole and that its keys are here')
  .option('--force', 'replace everything that the database holds')
  .action(restore);
await runCommand(process, () => parseCommand(process, command, process.argv.slice(2)));
