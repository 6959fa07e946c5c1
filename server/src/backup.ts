// What `npm run backup` runs: writes all that the database holds into a folder, while servers go on.
import { resolve } from 'node:path';
import { Command } from 'commander';
import { parseCommand, runCommand, stopAtSignals } from './command.ts';
import { makeBackup } from './platform/backup/make-backup.ts';
import { Config } from './platform/config/config.ts';
import { openDatabase } from './platform/database/open-database.ts';
import { createOrm } from './platform/database/orm.ts';
import { version } from './platform/health/version.ts';

async function backup(given: string): Promise<void> {
  // npm runs its scripts in the folder of the package; the operator means their own.
  const folder = resolve(process.env.INIT_CWD ?? '.', given);
  const { settings } = Config.from(process.env);
  const database = await openDatabase(settings);
  const orm = await createOrm({ url: database.url, poolSize: 1 });
  try {
    const { tables, master_keys: keys } = await makeBackup({ url: database.url, orm, folder, version });
    const rows = tables.reduce((sum, table) => sum + table.rows, 0);
    process.stdout.write(`${rows} rows of ${tables.length} tables are in ${folder}\n`);
    const ids = keys.map(({ id }) => id).join(', ');
    const place = settings.FLOWPACT_MASTER_KEYS
      ? 'FLOWPACT_MASTER_KEYS'
      : `master.keys in ${settings.FLOWPACT_DATA_DIR}`;
    if (ids !== '')
      process.stdout.write(`Not in it: the master keys ${ids} (${place}). Keep a copy of them in another place.\n`);
  } finally {
    await orm.close();
    await database.close();
  }
}

stopAtSignals();
const command = new Command('npm run backup --')
  .description(
    'Writes all that the database holds into a new folder, as it stands at one moment. Servers may go on meanwhile.',
  )
  .argument('<folder>', 'the folder, which must not be there yet')
  .action(backup);
await runCommand(process, () => parseCommand(process, command, process.argv.slice(2)));
