/** What is published, and what it is made of. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { billOfMaterials } from './bill-of-materials.ts';
import { git } from './commits.ts';

const sdk = 'clients/typescript';
/** Published as their sources: pip and Go build from them. */
const sources = ['clients/python', 'clients/go'];

/** Fills the folder, which is emptied first, and gives the names of the files. */
export async function pack(folder: string, out: string, version: string): Promise<string[]> {
  await rm(out, { recursive: true, force: true });
  await mkdir(out, { recursive: true });
  npm(folder, 'pack', '--silent', '--pack-destination', out, '--workspace', sdk);
  for (const path of sources) {
    const archive = join(out, `flowpact-${path.split('/')[1]}-${version}.tar.gz`);
    run('tar', ['-czf', archive, '--null', '-T', '-'], folder, git(folder, 'ls-files', '-z', '--', path));
  }
  await writeBills(folder, out, version);
  const names = (await readdir(out)).toSorted();
  const sums: string[] = [];
  for (const name of names) {
    const digest = createHash('sha256')
      .update(await readFile(join(out, name)))
      .digest('hex');
    sums.push(`${digest}  ${name}\n`);
  }
  await writeFile(join(out, 'SHA256SUMS'), sums.join(''));
  return [...names, 'SHA256SUMS'];
}

async function writeBills(folder: string, out: string, version: string): Promise<void> {
  const everything = npm(
    folder,
    'sbom',
    '--package-lock-only',
    '--sbom-format',
    'cyclonedx',
    '--sbom-type',
    'application',
  );
  const lock = await readFile(join(folder, 'package-lock.json'), 'utf8');
  for (const [name, reference] of [
    ['flowpact', `flowpact@${version}`],
    ['flowpact-sdk', `@flowpact/sdk@${version}`],
  ] as const) {
    const bill = billOfMaterials(JSON.parse(everything), JSON.parse(lock), reference);
    await writeFile(join(out, `${name}-${version}.cdx.json`), `${JSON.stringify(bill, null, 2)}\n`);
  }
}

function npm(folder: string, ...args: string[]): string {
  return run('npm', [...args, '--offline'], folder);
}

function run(command: string, args: readonly string[], cwd: string, input?: string): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd,
    input,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  if (error) throw error;
  if (status !== 0) throw new Error(`${command} ${args[0]} failed with exit code ${status}:\n${stderr}${stdout}`);
  return stdout;
}
