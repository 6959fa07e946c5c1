import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';

/** Source files whose faults are to be noticed, and by which tests. */
export interface Folder {
  /** From the root of the repository. */
  readonly path: string;
  /** Files and folders of the tests that run for a fault in it, the quickest first. */
  readonly tests: readonly string[];
  /** False where they use nothing that Jest starts once for a run, which saves that time. */
  readonly needsSetup?: boolean;
  /** Percent of the faults that have to be noticed. */
  readonly threshold: number;
}

/** A fault that changes nothing that anybody could notice. */
export interface Equivalent {
  readonly file: string;
  /** The whole line in which it is, without the space around it. */
  readonly line: string;
  readonly original: string;
  readonly replacement: string;
  readonly reason: string;
}

export interface Settings {
  readonly folders: readonly Folder[];
  readonly equivalent: readonly Equivalent[];
}

export async function readSettings(): Promise<Settings> {
  const { folders, equivalent } = parse(
    await readFile(join(import.meta.dirname, 'folders.yaml'), 'utf8'),
  ) as Partial<Settings>;
  return { folders: folders ?? [], equivalent: equivalent ?? [] };
}

/** The folder that a source file belongs to: the innermost one. */
export function folderOf(file: string, folders: readonly Folder[]): Folder | undefined {
  const holding = folders.filter(({ path }) => file === path || file.startsWith(`${path}/`));
  return holding.sort((one, other) => other.path.length - one.path.length)[0];
}
