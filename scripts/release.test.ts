import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { bumped, bumpOf, changesSince } from './release/commits.ts';
import { prepareRelease, type ReleaseOptions } from './release/prepare.ts';
import { currentVersion, withVersion } from './release/versions.ts';

let folder: string;
let reported: string[];

/** As much of this repository as a release touches. */
function files(version: string): Record<string, string> {
  const manifest = (name: string, more: object): string => `${JSON.stringify({ name, version, ...more }, null, 2)}\n`;
  const tool = { version: '2.0.0', resolved: 'https://registry.npmjs.org/tool/-/tool-2.0.0.tgz', license: 'MIT' };
  return {
    '.gitignore': '/release/\n',
    'package.json': manifest('flowpact', {
      private: true,
      workspaces: ['codegen', 'clients/typescript'],
      dependencies: { 'both-ways': '1.0.0' },
      devDependencies: { tool: '2.0.0' },
    }),
    'codegen/package.json': manifest('@flowpact/codegen', { devDependencies: { 'both-ways': '1.0.0' } }),
    'clients/typescript/package.json': manifest('@flowpact/sdk', { files: ['src'], dependencies: { small: '3.0.0' } }),
    'clients/typescript/src/core/version.ts': `export const version = '${version}';\n`,
    'clients/python/pyproject.toml': `[project]\nversion = "${version}"\n`,
    'clients/python/flowpact/__init__.py': `__version__ = "${version}"\n`,
    'clients/python/flowpact/api_client.py': `self.user_agent = 'OpenAPI-Generator/${version}/python'\n`,
    'clients/python/flowpact/configuration.py': `"SDK Package Version: ${version}"\n`,
    'clients/go/flowpact.go': `configuration.UserAgent = "flowpact-go/${version}"\n`,
    'clients/go/configuration.go': `UserAgent: "OpenAPI-Generator/${version}/go",\n`,
    'package-lock.json': `${JSON.stringify(
      {
        name: 'flowpact',
        version,
        lockfileVersion: 3,
        requires: true,
        packages: {
          '': {
            name: 'flowpact',
            version,
            workspaces: ['codegen', 'clients/typescript'],
            dependencies: { 'both-ways': '1.0.0' },
            devDependencies: { tool: '2.0.0' },
          },
          'clients/typescript': { name: '@flowpact/sdk', version, dependencies: { small: '3.0.0' } },
          codegen: { name: '@flowpact/codegen', version, devDependencies: { 'both-ways': '1.0.0' } },
          'node_modules/@flowpact/codegen': { resolved: 'codegen', link: true },
          'node_modules/@flowpact/sdk': { resolved: 'clients/typescript', link: true },
          'node_modules/both-ways': { ...tool, version: '1.0.0', license: 'ISC' },
          'node_modules/small': { ...tool, version: '3.0.0' },
          'node_modules/tool': { ...tool, dev: true },
        },
      },
      null,
      2,
    )}\n`,
  };
}

function write(path: string, text: string): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text);
}

const read = (path: string): string => readFileSync(join(folder, path), 'utf8');

function git(...args: string[]): string {
  const as = ['-c', 'user.name=Test', '-c', 'user.email=test@example.com', '-c', 'commit.gpgsign=false'];
  return execFileSync('git', [...as, ...args], { cwd: folder, encoding: 'utf8' }).trim();
}

function commit(message: string): string {
  git('add', '-A');
  git('commit', '--quiet', '--allow-empty', '-m', message);
  return git('rev-parse', '--short=7', 'HEAD');
}

function release(options: Partial<ReleaseOptions> = {}): Promise<void> {
  const all = { dryRun: false, since: undefined, version: undefined, out: 'release', ...options };
  return prepareRelease(folder, all, (line) => reported.push(line));
}

/** A repository in which 0.1.0 is released. */
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'flowpact-release-'));
  reported = [];
  git('init', '--quiet');
  for (const [path, text] of Object.entries(files('0.1.0'))) write(path, text);
  commit('feat: what was there before');
  git('tag', 'v0.1.0');
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('the version', () => {
  test.each<[messages: string[], from: string, want: string | undefined]>([
    [['fix: a'], '1.2.3', '1.2.4'],
    [['perf(server): a', 'docs: b'], '1.2.3', '1.2.4'],
    [['fix: a', 'feat(api): b'], '1.2.3', '1.3.0'],
    [['feat(api)!: a', 'fix: b'], '1.2.3', '2.0.0'],
    [['chore!: a'], '1.2.3', '2.0.0'],
    [['fix: a\n\nBREAKING CHANGE: b is gone'], '1.2.3', '2.0.0'],
    [['fix!: a'], '0.4.2', '0.5.0'],
    [['feat: a'], '0.4.2', '0.5.0'],
    [['docs: a', 'chore(generated): b', 'test: c', 'no kind at all'], '1.2.3', undefined],
  ])('%j after %s makes %s', (messages, from, want) => {
    for (const message of messages) commit(message);
    const bump = bumpOf(changesSince(folder, 'v0.1.0'), from);
    expect(bump && bumped(from, bump)).toBe(want);
  });

  test('begins where it is told, or at the highest tag of a version that is behind', async () => {
    commit('feat: one');
    git('tag', 'v0.9.0');
    git('tag', 'v0.10.0-rc.1');
    commit('fix: two');
    await release({ dryRun: true });
    expect(reported[0]).toBe('0.1.0 → 0.1.1, from 1 changes since v0.9.0');
    await release({ dryRun: true, since: 'v0.1.0' });
    expect(reported[2]).toBe('0.1.0 → 0.2.0, from 2 changes since v0.1.0');
  });

  test('of the first release is the one that is stated', async () => {
    git('tag', '-d', 'v0.1.0');
    await release({ dryRun: true });
    expect(reported[0]).toBe('0.1.0 → 0.1.0, from 1 changes since the first commit');
  });

  test('is stated in every place of this repository that a release writes', async () => {
    const root = join(import.meta.dirname, '..');
    const texts = await withVersion(root, await currentVersion(root), '98.76.54');
    expect([...texts.keys()]).toEqual(
      expect.arrayContaining(Object.keys(files('1')).filter((path) => path !== '.gitignore')),
    );
    for (const text of texts.values()) expect(text).toContain('98.76.54');
  });
});

describe('a release', () => {
  test('writes the changelog, what breaks first, above those before it, and every version', async () => {
    write(
      'CHANGELOG.md',
      '# Changelog\n\nOld head.\n\n## 0.1.0 (2026-11-01)\n\n### Features\n\n- what was there before (abc1234)\n',
    );
    const fix = commit('fix(server): `a*b` is *not* <b>');
    const feat = commit('feat(api): one more');
    const breaking = commit('feat(api)!: another\n\nBREAKING CHANGE: the old one\nis gone');
    commit('docs: nothing that users notice');
    await release();
    const today = new Date().toISOString().slice(0, 10);
    const [head, ...rest] = read('CHANGELOG.md').split('\n## ');
    expect(head).toMatch(/^# Changelog\n\nWhat users notice/);
    expect(rest).toEqual([
      `0.2.0 (${today})\n\n### Breaking changes\n\n- **api**: the old one is gone (${breaking})\n\n` +
        `### Features\n\n- **api**: another (${breaking})\n- **api**: one more (${feat})\n\n` +
        `### Fixes\n\n- **server**: \`a*b\` is \\*not\\* \\<b\\> (${fix})\n`,
      '0.1.0 (2026-11-01)\n\n### Features\n\n- what was there before (abc1234)\n',
    ]);
    for (const [path, text] of Object.entries(files('0.2.0'))) expect([path, read(path)]).toEqual([path, text]);
  });

  test('packs what is published, with checksums and what it needs at run time', async () => {
    commit('fix: a');
    await release();
    const sums = read('release/SHA256SUMS').trimEnd().split('\n');
    expect(sums.map((line) => line.slice(66))).toEqual([
      'flowpact-0.1.1.cdx.json',
      'flowpact-go-0.1.1.tar.gz',
      'flowpact-python-0.1.1.tar.gz',
      'flowpact-sdk-0.1.1.cdx.json',
      'flowpact-sdk-0.1.1.tgz',
    ]);
    for (const line of sums) {
      const bytes = readFileSync(join(folder, 'release', line.slice(66)));
      expect(line.slice(0, 64)).toBe(createHash('sha256').update(bytes).digest('hex'));
    }
    const packed = (archive: string, path: string): string =>
      execFileSync('tar', ['-xzOf', join(folder, 'release', archive), path], { encoding: 'utf8' });
    expect(packed('flowpact-sdk-0.1.1.tgz', 'package/src/core/version.ts')).toContain('0.1.1');
    expect(packed('flowpact-python-0.1.1.tar.gz', 'clients/python/pyproject.toml')).toContain('0.1.1');
    const bill = (
      name: string,
    ): { bomFormat: string; metadata: { component: { name: string } }; components: { name: string }[] } =>
      JSON.parse(read(`release/${name}-0.1.1.cdx.json`)) as never;
    expect(bill('flowpact')).toMatchObject({
      bomFormat: 'CycloneDX',
      metadata: { component: { name: 'flowpact', version: '0.1.1' } },
    });
    // What one package needs for development and another at run time is needed at run time.
    expect(
      bill('flowpact')
        .components.map(({ name }) => name)
        .toSorted(),
    ).toEqual(['@flowpact/codegen', '@flowpact/sdk', 'both-ways', 'small']);
    expect(bill('flowpact-sdk').metadata.component.name).toBe('@flowpact/sdk');
    expect(bill('flowpact-sdk').components).toEqual([
      expect.objectContaining({ name: 'small', purl: 'pkg:npm/small@3.0.0', licenses: [{ license: { id: 'MIT' } }] }),
    ]);
  }, 60_000);

  test('that is tried writes nothing', async () => {
    commit('fix: a');
    await release({ dryRun: true });
    expect(reported.join('\n')).toContain('### Fixes\n\n- a (');
    expect([git('status', '--porcelain'), existsSync(join(folder, 'release'))]).toEqual(['', false]);
  });

  test('is refused where nothing is to be released, a version is wrong, or something is not committed', async () => {
    commit('docs: a');
    await expect(release()).rejects.toThrow('Nothing to release: since v0.1.0 there is no feat');
    await expect(release({ version: '1.0' })).rejects.toThrow('--version is 1.0, not a version like 1.2.3');
    expect(git('status', '--porcelain')).toBe('');
    commit('fix: b');
    write('codegen/package.json', '{}');
    await expect(release()).rejects.toThrow('changes that are not committed');
    commit('fix: c');
    await expect(release()).rejects.toThrow('codegen/package.json has 0 times, not once:   "version": "0.1.0",');
    expect(git('status', '--porcelain')).toBe('');
  });
});
