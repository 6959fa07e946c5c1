import { chmodSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmbeddedPostgres } from '../src/platform/database/embedded-postgres.ts';

/** jest globalSetup: one PostgreSQL per jest run, in a folder and on a port of its own, so that runs do not meet. */
export default async function startPostgres(): Promise<void> {
  if (process.env.FLOWPACT_TEST_POSTGRES_URL) return;
  const dataDir = mkdtempSync(join(tmpdir(), 'flowpact-test-postgres-'));
  chmodSync(dataDir, 0o755);
  const postgres = await startEmbeddedPostgres({ dataDir, database: 'postgres', throwaway: true });
  process.env.FLOWPACT_TEST_POSTGRES_URL = postgres.url;
  globalThis.flowpactTestPostgres = { ...postgres, dataDir };
}

declare global {
  var flowpactTestPostgres: { stop(): Promise<void>; dataDir: string; store: string } | undefined;
}
