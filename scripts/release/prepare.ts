/** The steps of a release, in a folder that is a checkout of this repository. */
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pack } from './artefacts.ts';
import { sectionOf, withSection } from './changelog.ts';
import { bumped, bumpOf, changesSince, git, lastRelease, type Change } from './commits.ts';
import { currentVersion, withVersion, writeAll } from './versions.ts';

export interface ReleaseOptions {
  /** Says what would be done, and writes nothing. */
  readonly dryRun: boolean;
  /** The commit after which the changes begin, instead of the last tag of a version. */
  readonly since: string | undefined;
  /** Instead of the one that follows from the commits. */
  readonly version: string | undefined;
  /** Where what is published goes to, from the root of the repository. */
  readonly out: string;
}

/** Throws with what is in the way; nothing is written then. */
export async function prepareRelease(
  folder: string,
  options: ReleaseOptions,
  report: (line: string) => void,
): Promise<void> {
  if (!options.dryRun && git(folder, 'status', '--porcelain').trim() !== '')
    throw new Error(
      'There are changes that are not committed. Commit or remove them, so that the release is what is in Git.',
    );
  const base = options.since ?? lastRelease(folder);
  const changes = changesSince(folder, base);
  const from = await currentVersion(folder);
  const to = options.version ?? nextVersion(from, base, changes);
  if (!/^\d+\.\d+\.\d+$/.test(to)) throw new Error(`--version is ${to}, not a version like 1.2.3.`);
  const section = sectionOf(to, new Date().toISOString().slice(0, 10), changes);
  const texts = await withVersion(folder, from, to);
  report(`${from} → ${to}, from ${changes.length} changes since ${base ?? 'the first commit'}`);
  if (options.dryRun) {
    report(`\n${section.trim()}\n\nWould write CHANGELOG.md, ${[...texts.keys()].join(', ')} and ${options.out}/.`);
    return;
  }
  const changelog = join(folder, 'CHANGELOG.md');
  const before = existsSync(changelog) ? await readFile(changelog, 'utf8') : undefined;
  await writeFile(changelog, await withSection(before, to, section));
  await writeAll(folder, texts);
  for (const file of await pack(folder, join(folder, options.out), to)) report(`${options.out}/${file}`);
  report(
    `\nRead CHANGELOG.md, then:\n  git add CHANGELOG.md && git commit -am 'chore(release): ${to}' && git tag v${to}`,
  );
}

/** The first release is the version that the repository states. Throws when users notice none of the changes. */
function nextVersion(from: string, base: string | undefined, changes: readonly Change[]): string {
  const bump = bumpOf(changes, from);
  if (bump === undefined)
    throw new Error(
      `Nothing to release: since ${base ?? 'the first commit'} there is no feat, fix, perf or breaking change.`,
    );
  return base === undefined ? from : bumped(from, bump);
}
