import { z } from 'zod';
import { StartupError } from '../lifecycle/startup-error.ts';

/** Counts up when a backup is laid out in another way. */
export const formatVersion = 1;

const schemaName = z.enum(['public', 'dbos']);

const manifestSchema = z.strictObject({
  format: z.literal(formatVersion),
  created_at: z.iso.datetime(),
  /** Version of Flowpact that made it. */
  flowpact: z.string(),
  postgresql: z.string(),
  /** Migrations that had run, in their order. */
  migrations: z.array(z.string()).min(1),
  /** Version of the engine's schema; 0 before the first start. */
  engine_schema: z.int().min(0),
  /** The keys that are needed to read what is encrypted, with a known text under each; the keys themselves are not here. */
  master_keys: z.array(z.strictObject({ id: z.string(), proof: z.base64() })),
  tables: z.array(
    z.strictObject({
      schema: schemaName,
      name: z.string(),
      columns: z.array(z.string()).min(1),
      rows: z.int().min(0),
      /** Below the folder of the backup; gzip of PostgreSQL's COPY in its text format. */
      file: z.string().regex(/^tables\/[\w.-]+\.copy\.gz$/),
    }),
  ),
  sequences: z.array(
    z.strictObject({
      schema: schemaName,
      name: z.string(),
      next_value: z.string().regex(/^-?\d+$/),
    }),
  ),
});

/** What a backup says about itself. */
export type Manifest = z.output<typeof manifestSchema>;

/** Throws StartupError for what is no manifest of this version or an older one. */
export function parseManifest(text: string, folder: string): Manifest {
  const value = jsonOf(text);
  const { format } = (value ?? {}) as { format?: unknown };
  if (typeof format === 'number' && format > formatVersion) throw newerBackup(folder, `its format is ${format}`);
  const result = manifestSchema.safeParse(value);
  if (result.success) return result.data;
  throw new StartupError(
    `The file manifest.json in ${folder} is not that of a backup of Flowpact.`,
    'Take another backup. Nothing was changed.',
  );
}

/** A backup that this version does not know how to restore. */
export function newerBackup(folder: string, reason: string): StartupError {
  return new StartupError(
    `The backup in ${folder} was made by a newer version of Flowpact: ${reason}.`,
    'Restore it with that version or a newer one. Nothing was changed.',
  );
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
