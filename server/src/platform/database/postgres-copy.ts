import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { join } from 'node:path';
import { isOwnedAndClosed } from './reachable-place.ts';

/**
 * A copy in `place` of the npm package's folder `native`, readable by everyone and writable by its owner only. Several
 * processes may ask at once: each copies to a name of its own, the first to rename wins. An older copy is used only when
 * every file is there and closed to others; one that is not is left alone, because a PostgreSQL may be running from it.
 */
export function copyOfPrograms(packageFolder: string, place: string): string {
  const native = join(packageFolder, 'native');
  const { version } = JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8')) as { version: string };
  const name = join(place, `postgresql-${version}-${process.platform}-${process.arch}`);
  for (let attempt = 1; attempt < 10; attempt += 1) {
    const copy = attempt === 1 ? name : `${name}-${attempt}`;
    if (!existsSync(copy)) copyAtOnce(native, copy, place);
    if (isSound(native, copy)) return copy;
  }
  throw new Error(`no copy in ${place} is complete and closed to other users`);
}

function copyAtOnce(native: string, copy: string, place: string): void {
  const fresh = mkdtempSync(join(place, '.copying-'));
  try {
    cpSync(native, fresh, { recursive: true, verbatimSymlinks: true });
    for (const entry of walk(fresh)) close(join(fresh, entry));
    renameSync(fresh, copy);
  } catch (error) {
    rmSync(fresh, { recursive: true, force: true });
    if (!['ENOTEMPTY', 'EEXIST'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}

/** Everyone may read, and execute what could be executed; only the owner may write. */
function close(path: string): void {
  const stats = lstatSync(path);
  if (!stats.isSymbolicLink()) chmodSync(path, stats.isDirectory() || (stats.mode & 0o111) !== 0 ? 0o755 : 0o644);
}

/** Programs that clean up temporary folders may have removed some of it. */
function isSound(native: string, copy: string): boolean {
  return walk(native).every((entry) => {
    const [wanted, found] = [lstatSync(join(native, entry)), lstatSync(join(copy, entry), { throwIfNoEntry: false })];
    if (!found || !isOwnedAndClosed(found) || found.isDirectory() !== wanted.isDirectory()) return false;
    return wanted.isDirectory() || found.size === wanted.size;
  });
}

/** The folder itself and all below it, relative to it. */
function walk(folder: string): string[] {
  return ['.', ...readdirSync(folder, { recursive: true, encoding: 'utf8' })];
}
