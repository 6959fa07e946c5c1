/**
 * Makes the Python and Go SDKs from the contract with openapi-generator, through the 3.0.3 lowering of codegen.
 * `--check` writes nothing, lists what differs from what is committed, and exits 1 if anything does; where there is no
 * Java it says so and passes, so that only regenerating needs one.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { existsSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { lowerFile, openObjects } from '../codegen/src/lowering/index.ts';
import { goIdempotencyKey, goTables, idempotent, type LoweredDocument, pythonTables } from './sdk-contract.ts';

const root = join(import.meta.dirname, '..');
const spec = join(root, 'spec/platform/openapi.yaml');
const fileList = '.openapi-generator/FILES';
/** Of the JAR of the version in openapitools.json. */
const sha256OfJar = '41ce4f6b07f196676439d710759fa1ced7a08066d06ff1bf314681470289efae';

interface Sdk {
  /** As openapi-generator calls it. */
  readonly language: string;
  readonly folder: string;
  readonly options: readonly string[];
  readonly properties: Readonly<Record<string, string>>;
  /** What the generator does wrong or has no place for, put right in its output. */
  readonly corrections: readonly Correction[];
  /** Files beside those of the generator, by their paths: what the handwritten layers take from the contract. */
  readonly tables: (document: LoweredDocument) => Readonly<Record<string, string>>;
}

interface Correction {
  /** One file, in which `from` must be there exactly once; or many, in which it must be there `times`, or at all. */
  readonly file: string | RegExp;
  readonly from: string;
  readonly to: string;
  readonly times?: (document: LoweredDocument) => number;
}

const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };

const common = {
  hideGenerationTimestamp: 'true',
  disallowAdditionalPropertiesIfNotPresent: 'false',
  // Otherwise each variant of a union is tried, and an open object fits several.
  useOneOfDiscriminatorLookup: 'true',
};

const sdks: readonly Sdk[] = [
  {
    language: 'python',
    folder: 'clients/python',
    options: ['--package-name', 'flowpact'],
    properties: { ...common, packageVersion: version, projectName: 'flowpact' },
    corrections: [
      // What an object does not have became null in the model, and was sent back as null.
      {
        file: /^flowpact\/models\/.*\.py$/,
        from: '        _obj = cls.model_validate({\n',
        to: '        from flowpact.given import validated\n        _obj = validated(cls, obj, {\n',
      },
    ],
    tables: pythonTables,
  },
  {
    language: 'go',
    folder: 'clients/go',
    options: [
      '--package-name',
      'flowpact',
      '--git-host',
      'github.com',
      '--git-user-id',
      'flowpact',
      '--git-repo-id',
      'flowpact-go',
    ],
    properties: { ...common, packageVersion: version, enumClassPrefix: 'true' },
    corrections: [
      {
        // An optional body that is left out arrives as a nil pointer in an interface, which is not nil: `null` was sent.
        file: 'client.go',
        from: '\tif postBody != nil {',
        to: '\tif value := reflect.ValueOf(postBody); value.IsValid() && (value.Kind() != reflect.Ptr || !value.IsNil()) {',
      },
      // Calls go through send.go: retries, deadlines, typed errors.
      { file: 'client.go', from: 'c.cfg.HTTPClient.Do(request)', to: 'c.send(request)' },
      {
        file: 'configuration.go',
        from: '\tHTTPClient       *http.Client\n}',
        to: '\tHTTPClient       *http.Client\n\tCallPolicy       CallPolicy\n}',
      },
      { file: /^api_.*\.go$/, ...goIdempotencyKey, times: (document) => idempotent(document).length },
    ],
    tables: goTables,
  },
];

async function main(check: boolean): Promise<number> {
  if (spawnSync('java', ['-version']).status !== 0) {
    const missing = 'Java is not on this machine; openapi-generator needs Java 11 or later.';
    console.log(check ? `SDK drift not checked: ${missing}` : missing);
    return check ? 0 : 1;
  }
  await provideJar();
  const work = await mkdtemp(join(tmpdir(), 'flowpact-sdks-'));
  try {
    const input = join(work, 'openapi-3.0.json');
    const document = await lowered();
    await writeFile(input, JSON.stringify(document, null, 2));
    const drift: string[] = [];
    for (const sdk of sdks) {
      const out = await generated(sdk, input, work);
      for (const correction of sdk.corrections) await correct(out, correction, document);
      for (const [path, text] of Object.entries(sdk.tables(document))) await writeFile(join(out, path), text);
      drift.push(...(await update(sdk, out, check)));
    }
    if (check) for (const line of drift) console.log(line);
    console.log(summary(check, drift.length));
    return check && drift.length > 0 ? 1 : 0;
  } finally {
    await rm(work, { recursive: true });
  }
}

function summary(check: boolean, count: number): string {
  if (!check) return `${sdks.map(({ folder }) => folder).join(', ')}: ${count} files changed`;
  return count === 0
    ? 'SDKs: no drift'
    : `SDKs: ${count} files differ; run npm run generate:sdks and commit the result`;
}

/** The document as generators get it; every loss is printed, so that none is silent. */
async function lowered(): Promise<LoweredDocument> {
  const { document, report } = await lowerFile(spec, root);
  for (const line of report) console.log(line);
  const info = document['info'] as { description?: string };
  // Every generated file repeats the description in its head; the first paragraph is enough there.
  const shortened = { ...openObjects(document), info: { ...info, description: info.description?.split('\n\n')[0] } };
  return shortened as unknown as LoweredDocument;
}

/** Puts the JAR where openapi-generator-cli looks for it, by Maven, or where there is none from its address at Maven Central. */
async function provideJar(): Promise<void> {
  const settings = JSON.parse(await readFile(join(root, 'openapitools.json'), 'utf8')) as {
    'generator-cli': { version: string; storageDir: string };
  };
  const { version: jarVersion, storageDir } = settings['generator-cli'];
  const folder = join(root, storageDir);
  const file = `openapi-generator-cli-${jarVersion}.jar`;
  const jar = join(folder, `${jarVersion}.jar`);
  if (!existsSync(jar)) {
    await mkdir(folder, { recursive: true });
    if (spawnSync('mvn', ['--version']).status === 0) {
      const artifact = `org.openapitools:openapi-generator-cli:${jarVersion}`;
      run('mvn', ['-q', '-B', 'dependency:copy', `-Dartifact=${artifact}`, `-DoutputDirectory=${folder}`]);
      await rename(join(folder, file), jar);
    } else {
      const address = `https://repo1.maven.org/maven2/org/openapitools/openapi-generator-cli/${jarVersion}/${file}`;
      const response = await fetch(address);
      if (!response.ok) throw new Error(`${address} answered ${response.status}.`);
      await writeFile(jar, Buffer.from(await response.arrayBuffer()));
    }
  }
  const sha256 = createHash('sha256')
    .update(await readFile(jar))
    .digest('hex');
  if (sha256 !== sha256OfJar)
    throw new Error(`${jar} has the SHA-256 ${sha256}, not ${sha256OfJar}. Remove it, so that it is fetched again.`);
}

async function generated({ language, folder, options, properties }: Sdk, input: string, work: string): Promise<string> {
  const out = join(work, language);
  await mkdir(out);
  await cp(join(root, folder, '.openapi-generator-ignore'), join(out, '.openapi-generator-ignore'));
  const additional = Object.entries(properties).map(([name, value]) => `${name}=${value}`);
  const tests = 'apiTests=false,modelTests=false,apiDocs=false,modelDocs=false';
  const cli = join(root, 'node_modules/@openapitools/openapi-generator-cli/main.js');
  run(process.execPath, [
    cli,
    'generate',
    '-g',
    language,
    '-i',
    input,
    '-o',
    out,
    ...options,
    '--additional-properties',
    additional.join(','),
    '--global-property',
    tests,
  ]);
  return out;
}

async function correct(out: string, { file, from, to, times }: Correction, document: LoweredDocument): Promise<void> {
  const files =
    typeof file === 'string' ? [file] : (await readdir(out, { recursive: true })).filter((name) => file.test(name));
  const expected = typeof file === 'string' ? 1 : times?.(document);
  let found = 0;
  for (const name of files) {
    const parts = (await readFile(join(out, name), 'utf8')).split(from);
    found += parts.length - 1;
    if (parts.length > 1) await writeFile(join(out, name), parts.join(to));
  }
  if (found === 0 || found !== (expected ?? found))
    throw new Error(`${file} has ${found} times, not ${expected ?? 'at least once'}: ${from.trim()}`);
}

/** What differs between the folder and the fresh output; without `check` it is also made equal. */
async function update({ folder }: Sdk, fresh: string, check: boolean): Promise<string[]> {
  const target = join(root, folder);
  const files = (await readdir(fresh, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => relative(fresh, join(entry.parentPath, entry.name)));
  const previous = existsSync(join(target, fileList))
    ? (await readFile(join(target, fileList), 'utf8')).split('\n')
    : [];
  const stale = previous.filter((file) => file !== '' && !files.includes(file) && existsSync(join(target, file)));
  const changed: string[] = [];
  for (const file of files) {
    const text = await readFile(join(fresh, file), 'utf8');
    const old = existsSync(join(target, file)) ? await readFile(join(target, file), 'utf8') : undefined;
    if (text === old) continue;
    changed.push(`${old === undefined ? 'missing' : 'differs'}: ${folder}/${file}`);
    if (check) continue;
    await mkdir(dirname(join(target, file)), { recursive: true });
    await writeFile(join(target, file), text);
  }
  if (!check) for (const file of stale) await rm(join(target, file));
  return [...changed, ...stale.map((file) => `stale: ${folder}/${file}`)];
}

function run(command: string, args: readonly string[]): void {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: root, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ${args[0]} failed with exit code ${status}:\n${stdout}\n${stderr}`);
}

process.exitCode = await main(process.argv.includes('--check'));
