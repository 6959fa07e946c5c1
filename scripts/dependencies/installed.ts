import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Dependency } from './licences.ts';

const run = promisify(execFile);

interface LockedPackage {
  readonly version?: string;
  readonly license?: string;
  readonly link?: boolean;
}

/** Every npm package of the lockfile, for production and development and for all platforms; our own are left out. */
export async function npmPackages(root: string): Promise<Dependency[]> {
  const { packages } = JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, LockedPackage>;
  };
  const foreign = Object.entries(packages).filter(([path, { link }]) => path.includes('node_modules/') && !link);
  return Promise.all(
    foreign.map(async ([path, { version = '', license }]) => ({
      name: path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length),
      version,
      licence: license ?? (await licenceOnDisk(join(root, path, 'package.json'))),
    })),
  );
}

/** Old packages have a list, which the lockfile leaves out. */
async function licenceOnDisk(file: string): Promise<string | undefined> {
  if (!existsSync(file)) return undefined;
  const { licenses } = JSON.parse(await readFile(file, 'utf8')) as { licenses?: { type: string }[] };
  return licenses?.map(({ type }) => type).join(' OR ');
}

/** What the Python SDK brings along, installed into an environment of its own below `cache`. */
export async function pythonPackagesOfSdk(root: string, cache: string): Promise<Dependency[]> {
  const environment = join(cache, 'python-sdk');
  await rm(environment, { recursive: true, force: true });
  await run('python3', ['-m', 'venv', environment]);
  const python = join(environment, 'bin/python');
  // pip builds inside the source folder, so it gets a copy.
  const source = join(environment, 'source');
  await cp(join(root, 'clients/python'), source, { recursive: true });
  const options = ['--quiet', '--disable-pip-version-check'];
  await run(python, ['-m', 'pip', 'install', ...options, source], { timeout: 600_000 });
  return (await pythonPackages(python)).filter(({ name }) => name !== 'flowpact');
}

const listing = `
import json
from importlib.metadata import distributions
print(json.dumps([{"name": d.metadata["Name"], "version": d.version, "expression": d.metadata.get("License-Expression"),
    "licence": d.metadata.get("License"), "classifiers": d.metadata.get_all("Classifier") or []} for d in distributions()]))
`;

interface PythonMetadata {
  readonly name: string;
  readonly version: string;
  readonly expression: string | null;
  readonly licence: string | null;
  readonly classifiers: readonly string[];
}

/** The distributions of a Python environment, without those that every environment has. */
export async function pythonPackages(python: string): Promise<Dependency[]> {
  const { stdout } = await run(python, ['-c', listing]);
  return (JSON.parse(stdout) as PythonMetadata[])
    .filter(({ name }) => name !== 'pip' && name !== 'setuptools')
    .map((metadata) => ({ name: metadata.name, version: metadata.version, licence: pythonLicence(metadata) }));
}

/** Names that classifiers and free text use for licences with an SPDX identifier. */
const identifiers: Readonly<Record<string, string>> = {
  'Apache 2.0': 'Apache-2.0',
  'Apache License 2.0': 'Apache-2.0',
  'Apache Software License': 'Apache-2.0',
  'BSD License': 'BSD-3-Clause',
  'MIT License': 'MIT',
  'Mozilla Public License 2.0 (MPL 2.0)': 'MPL-2.0',
  'Python Software Foundation License': 'PSF-2.0',
  'Dual License': 'Apache-2.0 OR BSD-3-Clause',
};

/** The expression (PEP 639), or else what the classifiers or a short text say. */
export function pythonLicence({ expression, licence, classifiers }: PythonMetadata): string | undefined {
  if (expression) return expression;
  const text = licence?.trim() ?? '';
  if (identifiers[text]) return identifiers[text];
  if (/^[A-Za-z0-9.-]{2,30}$/.test(text) && text !== 'BSD') return text;
  const named = classifiers
    .filter((classifier) => classifier.startsWith('License ::'))
    .map((classifier) => classifier.split(' :: ').at(-1)!)
    .filter((name) => name !== 'OSI Approved');
  return named.length === 0 ? undefined : named.map((name) => identifiers[name] ?? name).join(' AND ');
}

/** Modules that the Go SDK requires. */
export async function goModules(root: string): Promise<string[]> {
  const text = await readFile(join(root, 'clients/go/go.mod'), 'utf8');
  return [...text.matchAll(/^\s*(?:require\s+)?([\w.-]+\.[a-z]+\/\S+) v\S+/gm)].map(([, name]) => name!);
}
