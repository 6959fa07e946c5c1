/** Where the version of the platform and its SDKs is stated. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

interface Place {
  readonly file: string;
  /** `$` stands for the version. It is there exactly once. */
  readonly text: string;
}

// What generators write is among them, so that it does not differ from what they would write for the new version.
const places: readonly Place[] = [
  { file: 'package.json', text: '  "version": "$",' },
  { file: 'codegen/package.json', text: '  "version": "$",' },
  { file: 'clients/typescript/package.json', text: '  "version": "$",' },
  { file: 'clients/typescript/src/core/version.ts', text: "export const version = '$';" },
  { file: 'clients/python/pyproject.toml', text: 'version = "$"' },
  { file: 'clients/python/flowpact/__init__.py', text: '__version__ = "$"' },
  { file: 'clients/python/flowpact/api_client.py', text: "'OpenAPI-Generator/$/python'" },
  { file: 'clients/python/flowpact/configuration.py', text: '"SDK Package Version: $"' },
  { file: 'clients/go/flowpact.go', text: '"flowpact-go/$"' },
  { file: 'clients/go/configuration.go', text: '"OpenAPI-Generator/$/go"' },
];

/** As far as the lock knows the packages of this repository. */
const lockedPackages = ['', 'codegen', 'clients/typescript'];

interface Lock {
  version: string;
  packages: Record<string, { version?: string }>;
}

export async function currentVersion(folder: string): Promise<string> {
  const { version } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as { version: string };
  if (!/^\d+\.\d+\.\d+$/.test(version)) throw new Error(`package.json states the version ${version}, not x.y.z.`);
  return version;
}

/** The new text of every file that states the version, by its path. Throws when one does not state the present one. */
export async function withVersion(folder: string, from: string, to: string): Promise<ReadonlyMap<string, string>> {
  const texts = new Map<string, string>();
  for (const { file, text } of places) {
    const parts = (await readFile(join(folder, file), 'utf8')).split(text.replace('$', from));
    if (parts.length !== 2)
      throw new Error(`${file} has ${parts.length - 1} times, not once: ${text.replace('$', from)}`);
    texts.set(file, parts.join(text.replace('$', to)));
  }
  const lock = JSON.parse(await readFile(join(folder, 'package-lock.json'), 'utf8')) as Lock;
  lock.version = to;
  for (const name of lockedPackages) lock.packages[name]!.version = to;
  texts.set('package-lock.json', `${JSON.stringify(lock, null, 2)}\n`);
  return texts;
}

export async function writeAll(folder: string, texts: ReadonlyMap<string, string>): Promise<void> {
  for (const [file, text] of texts) await writeFile(join(folder, file), text);
}
