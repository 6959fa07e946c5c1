import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, existsSync, readFileSync } from 'node:fs';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Transform, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { constants, createGzip } from 'node:zlib';
import { StartupError } from '../lifecycle/startup-error.ts';
import { parseManifest, type Manifest } from './manifest.ts';

/** Of every other file in the folder, in the form that `sha256sum --check` reads. Written last, so it also says that the backup is whole. */
const sumsFile = 'SHA256SUMS';
const manifestFile = 'manifest.json';

/** A backup that is being written; it appears under its name when it is whole. */
export class BackupWriter {
  readonly #folder: string;
  readonly #partial: string;
  readonly #sums: string[] = [];

  private constructor(folder: string) {
    this.#folder = folder;
    this.#partial = `${folder}.partial-${process.pid}`;
  }

  /** Throws StartupError when the folder is there already or cannot be made. */
  static async begin(folder: string): Promise<BackupWriter> {
    if (existsSync(folder)) {
      throw new StartupError(
        `${folder} is there already.`,
        'Name a folder that is not: a backup never replaces another. Nothing was changed.',
      );
    }
    const writer = new BackupWriter(folder);
    try {
      await rm(writer.#partial, { recursive: true, force: true });
      // What users have stored is in it in the clear.
      await mkdir(join(writer.#partial, 'tables'), { recursive: true, mode: 0o700 });
    } catch (cause) {
      throw cannotWrite(folder, cause);
    }
    return writer;
  }

  /** Stores the stream compressed. */
  async addCompressed(file: string, content: Readable): Promise<void> {
    const hash = createHash('sha256');
    const hashed = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        hash.update(chunk);
        done(null, chunk);
      },
    });
    const target = createWriteStream(join(this.#partial, file), { flags: 'wx', mode: 0o600, flush: true });
    // Fast rather than small: the database waits meanwhile.
    await pipeline(content, createGzip({ level: constants.Z_BEST_SPEED }), hashed, target);
    this.#sums.push(`${hash.digest('hex')}  ${file}\n`);
  }

  /** Stores the manifest and the checksums, and gives the backup its name. */
  async finish(manifest: Manifest): Promise<void> {
    const text = `${JSON.stringify(manifest, null, 2)}\n`;
    await this.#write(manifestFile, text);
    this.#sums.push(`${createHash('sha256').update(text).digest('hex')}  ${manifestFile}\n`);
    await this.#write(sumsFile, this.#sums.join(''));
    for (const folder of [join(this.#partial, 'tables'), this.#partial]) await sync(folder);
    await rename(this.#partial, this.#folder);
    await sync(dirname(this.#folder));
  }

  /** Removes what was written. */
  abandon(): Promise<void> {
    return rm(this.#partial, { recursive: true, force: true });
  }

  async #write(file: string, text: string): Promise<void> {
    const handle = await open(join(this.#partial, file), 'wx', 0o600);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
  }
}

/**
 * The manifest of a backup whose every file is there and as it was written. Throws StartupError otherwise; reads the whole
 * backup.
 */
export async function verifyBackup(folder: string): Promise<Manifest> {
  const sums = readSums(folder);
  const damaged: string[] = [];
  for (const [file, sum] of sums) if ((await sumOf(join(folder, file))) !== sum) damaged.push(file);
  if (damaged.length > 0) throw damagedBackup(folder, `${damaged.join(', ')} are not as they were written`);
  if (!sums.has(manifestFile)) throw damagedBackup(folder, `${sumsFile} has no line for ${manifestFile}`);
  const manifest = parseManifest(readFileSync(join(folder, manifestFile), 'utf8'), folder);
  const missing = manifest.tables.filter(({ file }) => !sums.has(file));
  if (missing.length > 0) throw damagedBackup(folder, `${missing.map(({ file }) => file).join(', ')} are missing`);
  return manifest;
}

function readSums(folder: string): Map<string, string> {
  const file = join(folder, sumsFile);
  if (!existsSync(file)) {
    throw existsSync(folder)
      ? damagedBackup(folder, `it has no file ${sumsFile}, which is written last`)
      : new StartupError(`There is no folder ${folder}.`, 'Name the folder of a backup. Nothing was changed.');
  }
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  const entries = lines.map((line) => /^([0-9a-f]{64}) {2}(manifest\.json|tables\/[\w.-]+)$/.exec(line));
  if (entries.includes(null)) throw damagedBackup(folder, `${sumsFile} has a line that is no checksum`);
  return new Map(entries.map((entry) => [entry![2]!, entry![1]!]));
}

async function sumOf(file: string): Promise<string | undefined> {
  if (!existsSync(file)) return undefined;
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}

function damagedBackup(folder: string, reason: string): StartupError {
  return new StartupError(
    `The backup in ${folder} is damaged or incomplete: ${reason}.`,
    'Take another backup. Nothing was changed.',
  );
}

function cannotWrite(folder: string, cause: unknown): StartupError {
  return new StartupError(
    `The backup cannot be written to ${folder} (${(cause as Error).message}).`,
    'Name a folder in one that this user can write to.',
    { cause },
  );
}

/** So that the names of new files survive a power failure. */
async function sync(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
