// What `npm run secrets:rewrap` runs: puts everything that is encrypted in the database under the newest master key.
import { assertMasterKeys } from './platform/crypto/assert-master-keys.ts';
import { readMasterKeys } from './platform/crypto/read-master-keys.ts';
import { rewrapAll } from './platform/crypto/rewrap.ts';
import { Config } from './platform/config/config.ts';
import { startEmbeddedPostgres } from './platform/database/embedded-postgres.ts';
import { createOrm } from './platform/database/orm.ts';
import { StartupError } from './platform/lifecycle/startup-error.ts';

async function main(): Promise<void> {
  const { settings } = Config.from(process.env);
  const keys = readMasterKeys(settings);
  const postgres =
    settings.DATABASE_URL === undefined
      ? await startEmbeddedPostgres({ dataDir: settings.FLOWPACT_DATA_DIR, database: 'flowpact' })
      : undefined;
  const orm = await createOrm({ url: settings.DATABASE_URL ?? postgres!.url, poolSize: 2 });
  try {
    await assertMasterKeys(orm, keys);
    const columns = await rewrapAll(orm, keys);
    for (const { table, column, values, rewrapped } of columns)
      process.stdout.write(`${table}.${column}: ${rewrapped} of ${values} re-wrapped\n`);
    process.stdout.write(`Everything is under the key ${keys[0]!.id}; others can be taken out of the configuration.\n`);
  } finally {
    await orm.close();
    await postgres?.stop();
  }
}

main().catch((error: unknown) => {
  const text = error instanceof StartupError ? `${error.message}\n\n${error.remedy}` : String(error);
  process.stderr.write(`\n${text}\n\n`);
  process.exitCode = 1;
});
