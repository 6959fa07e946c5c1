import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { version } from '../src/index.ts';

const run = promisify(execFile);
const root = join(import.meta.dirname, '..');
const modules = join(root, '../../node_modules');
let folder: string;
let files: string[];

/** Unpacks what would be published into `node_modules` of an empty project. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flowpact-package-'));
  await run('npm', ['run', '--silent', 'build'], { cwd: root });
  const pack = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder];
  const { stdout } = await run('npm', pack, { cwd: root });
  const [packed] = JSON.parse(stdout) as [{ filename: string; files: { path: string }[] }];
  files = packed.files.map(({ path }) => path);
  const installed = join(folder, 'node_modules/@flowpact/sdk');
  await mkdir(installed, { recursive: true });
  await run('tar', ['-xzf', join(folder, packed.filename), '-C', installed, '--strip-components=1']);
  for (const name of ['openapi-fetch', 'openapi-typescript-helpers']) {
    await symlink(join(modules, name), join(folder, 'node_modules', name));
  }
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
});

afterAll(() => rm(folder, { recursive: true, force: true }));

test('the package holds compiled code, its types and nothing else', () => {
  const others = files.filter((path) => !/^dist\/.*\.(js|d\.ts)$/.test(path));
  expect(others.sort()).toEqual(['LICENSE', 'README.md', 'package.json']);
  expect(files).toEqual(expect.arrayContaining(['dist/index.js', 'dist/index.d.ts', 'dist/generated/types.d.ts']));
  expect(files.filter((path) => path.includes('test'))).toEqual([]);
});

test('its only dependency is openapi-fetch', async () => {
  const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as Record<string, object>;
  expect(Object.keys(manifest['dependencies']!)).toEqual(['openapi-fetch']);
});

test('the version in the code is that of the package', async () => {
  expect(JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))).toMatchObject({ version });
});

test('it can be imported where it is installed', async () => {
  await writeFile(
    join(folder, 'use.js'),
    "import { Flowpact } from '@flowpact/sdk'; console.log(Object.keys(new Flowpact()).join());",
  );
  const { stdout } = await run(process.execPath, ['use.js'], { cwd: folder });
  expect(stdout.trim().split(',')).toEqual(expect.arrayContaining(['auth', 'apiKeys', 'workflows', 'executions']));
});

test.each(['nodenext', 'bundler'])(
  'its types hold under moduleResolution %s',
  async (moduleResolution) => {
    await writeFile(
      join(folder, 'use.ts'),
      `import { Flowpact, type models } from '@flowpact/sdk';
const fp = new Flowpact({ apiKey: 'x' });
export const page: readonly models.WorkflowSummary[] = (await fp.workflows.list({ status: 'published' })).data;
export const yaml: string = await fp.workflows.export('wf_1', {}, { accept: 'application/yaml' });
for await (const event of fp.executions.stream('exec_1')) if (event.type === 'execution:failed') event.data.error.code;
// @ts-expect-error: not a parameter of the contract
await fp.workflows.list({ nope: 1 });
// @ts-expect-error: not a property of the contract
(await fp.workflows.get('wf_1')).nope;
`,
    );
    const compilerOptions = {
      target: 'es2022',
      lib: ['es2022', 'dom'],
      module: moduleResolution === 'bundler' ? 'esnext' : 'nodenext',
      moduleResolution,
      strict: true,
      noEmit: true,
      types: [],
    };
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['use.ts'] }));
    const compiled = run(process.execPath, [join(modules, 'typescript/bin/tsc'), '-p', folder]);
    await expect(compiled).resolves.toMatchObject({ stdout: '' });
  },
  60_000,
);
