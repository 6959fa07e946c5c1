import { rmSync } from 'node:fs';

/** jest globalTeardown: stops what globalSetup started and removes its folder. */
export default async function stopPostgres(): Promise<void> {
  const postgres = globalThis.flowpactTestPostgres;
  if (!postgres) return;
  await postgres.stop();
  rmSync(postgres.dataDir, { recursive: true, force: true });
}
