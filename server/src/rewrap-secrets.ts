// What `npm run secrets:rewrap` runs: puts everything that is encrypted in the database under the newest master key.
import { runCommand, stopAtSignals } from './command.ts';
import { assertMasterKeys } from './platform/crypto/assert-master-keys.ts';
import { readMasterKeys } from './platform/crypto/read-master-keys.ts';
import { rewrapAll } from './platform/crypto/rewrap.ts';
import { Config } from './platform/config/config.ts';
import { openDatabase } from './platform/database/open-database.ts';
import { createOrm } from './platform/database/orm.ts';
import { assertSchema } from './platform/database/schema-state.ts';

async function rewrap(): Promise<void> {
  const { settings } = Config.from(process.env);
  const keys = readMasterKeys(settings);
  const database = await openDatabase(settings);
  const orm = await createOrm({ url: database.url, poolSize: 2 });
  try {
    await assertSchema(orm, database.url);
    await assertMasterKeys(orm, keys);
    const columns = await rewrapAll(orm, keys);
    for (const { table, column, values, rewrapped } of columns)
      process.stdout.write(`${table}.${column}: ${rewrapped} of ${values} re-wrapped\n`);
    process.stdout.write(`Everything is under the key ${keys[0]!.id}; others can be taken out of the configuration.\n`);
  } finally {
    await orm.close();
    await database.close();
  }
}

stopAtSignals();
await runCommand(process, rewrap);
