/** Commits as Conventional Commits 1.0.0 describes them, and what they make of a version. */
import { spawnSync } from 'node:child_process';
import { CommitParser } from 'conventional-commits-parser';

/** One commit that says what kind of change it is. */
export interface Change {
  readonly hash: string;
  /** `feat`, `fix` and so on. */
  readonly type: string;
  readonly scope: string | undefined;
  readonly subject: string;
  /** What breaks, of the footer `BREAKING CHANGE`, or else the subject; absent where nothing does. */
  readonly breaking: string | undefined;
}

export type Bump = 'major' | 'minor' | 'patch';

const headerPattern = /^(\w+)(?:\(([^()]*)\))?!?: (.*)$/;
const parser = new CommitParser({
  headerPattern,
  breakingHeaderPattern: /^(\w+)(?:\(([^()]*)\))?!: (.*)$/,
  headerCorrespondence: ['type', 'scope', 'subject'],
});

/** What `git` prints in the folder. Throws with what it complains of. */
export function git(folder: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync('git', args, { cwd: folder, encoding: 'utf8', maxBuffer: 2 ** 28 });
  if (status !== 0) throw new Error(`git ${args[0]} failed with exit code ${status}: ${stderr.trim()}`);
  return stdout;
}

/** The last tag of a version that is behind what is checked out; undefined before the first release. */
export function lastRelease(folder: string): string | undefined {
  const tags = git(folder, 'tag', '--merged', 'HEAD', '--list', 'v[0-9]*', '--sort=-v:refname').split('\n');
  return tags.find((tag) => /^v\d+\.\d+\.\d+$/.test(tag));
}

/** The changes after the commit, the newest first; all of them when there is no such commit. */
export function changesSince(folder: string, base: string | undefined): Change[] {
  const range = base === undefined ? 'HEAD' : `${base}..HEAD`;
  const log = git(folder, 'log', '--no-merges', '--format=%H%x00%B%x1e', range);
  return log.split('\x1e').flatMap((record) => {
    const [hash = '', message = ''] = record.trimStart().split('\0');
    return headerPattern.test(message.split('\n', 1)[0]!) ? [toChange(hash, message)] : [];
  });
}

function toChange(hash: string, message: string): Change {
  const { type, scope, subject, notes } = parser.parse(message);
  const text = notes[0]?.text.replaceAll(/\s+/g, ' ').trim();
  const breaking = text === undefined ? undefined : text || subject!;
  return { hash, type: type!.toLowerCase(), scope: scope ?? undefined, subject: subject!, breaking };
}

/**
 * What the changes make of a version (SemVer 2.0.0); undefined when users notice none of them. Below 1.0.0 the minor number is
 * the one that says that something breaks.
 */
export function bumpOf(changes: readonly Change[], version: string): Bump | undefined {
  if (changes.some(({ breaking }) => breaking !== undefined)) return version.startsWith('0.') ? 'minor' : 'major';
  if (changes.some(({ type }) => type === 'feat')) return 'minor';
  return changes.some(({ type }) => ['fix', 'perf', 'revert'].includes(type)) ? 'patch' : undefined;
}

export function bumped(version: string, bump: Bump): string {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number);
  if (bump === 'major') return `${major + 1}.0.0`;
  return bump === 'minor' ? `${major}.${minor + 1}.0` : `${major}.${minor}.${patch + 1}`;
}
