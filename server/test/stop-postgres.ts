import { rmSync } from 'node:fs';

/** jest globalTeardown: stops what globalSetup started and removes its folders. */
export default async function stopPostgres(): Promise<void> {
  const postgres = globalThis.flowpactTestPostgres;
  if (!postgres) return;
  await postgres.stop();
  for (const folder of [postgres.store, postgres.dataDir]) rmSync(folder, { recursive: true, force: true });
}
