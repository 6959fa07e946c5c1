import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

const adminCommand = join(import.meta.dirname, '..', 'server', 'admin.cjs');

/** Where the server that is measured has its data. */
export interface ServerData {
  readonly databaseUrl: string;
  readonly folder: string;
}

/** Makes an organisation by the operator's command; its key. */
export function createOrganisation({ databaseUrl, folder }: ServerData, plan: 'free' | 'business'): string {
  const owner = `${plan}@bench.example`;
  const made = ['organisation', 'create', '--name', plan, '--owner-email', owner, '--plan', plan, '--json'];
  const output = execFileSync(process.execPath, [adminCommand, ...made], {
    env: { ...process.env, DATABASE_URL: databaseUrl, FLOWPACT_DATA_DIR: folder },
    encoding: 'utf8',
  });
  return (JSON.parse(output) as { api_key: { secret: string } }).api_key.secret;
}
