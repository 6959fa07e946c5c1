import { Client } from 'pg';
import { StartupError } from '../lifecycle/startup-error.ts';

/** Oldest server version that the migrations and the engine run on. */
const oldestVersion = 15;

/** Throws a StartupError that says what is wrong with DATABASE_URL unless a query can be run there. */
export async function assertDatabaseUsable(url: string): Promise<void> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 10_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    const { rows } = await client.query<{ version: string }>(`select current_setting('server_version_num') as version`);
    const version = Math.floor(Number(rows[0]?.version) / 10_000);
    if (version < oldestVersion)
      throw new Error(`it is PostgreSQL ${version}, and this server needs ${oldestVersion} or newer`);
  } catch (cause) {
    throw new StartupError(
      `The database of DATABASE_URL (${withoutPassword(url)}) cannot be used: ${reason(cause)}.`,
      remedy(cause),
      { cause },
    );
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** The URL as it may be shown. */
export function withoutPassword(url: string): string {
  const parsed = new URL(url);
  if (parsed.password) parsed.password = '***';
  parsed.search = '';
  return parsed.href;
}

function codeOf(error: unknown): string {
  return String((error as { code?: unknown }).code ?? '');
}

function reason(error: unknown): string {
  // Both addresses of "localhost" refused: Node reports an AggregateError with an empty message.
  const { errors, message } = error as { errors?: Error[]; message?: string };
  return (message || errors?.map((one) => one.message).join('; ') || String(error)).replace(/\.$/, '');
}

function remedy(error: unknown): string {
  const known: Record<string, string> = {
    ECONNREFUSED: 'Start that PostgreSQL server, or correct the host and port.',
    ENOTFOUND: 'Correct the host name.',
    EAI_AGAIN: 'Correct the host name.',
    '28P01': 'Correct the user name and the password.',
    '28000': 'Correct the user name and the password, or let this user in by pg_hba.conf.',
    '3D000': 'Create that database (createdb), or correct its name.',
  };
  return `${known[codeOf(error)] ?? 'Correct DATABASE_URL.'} Without DATABASE_URL the server starts an embedded PostgreSQL.`;
}
