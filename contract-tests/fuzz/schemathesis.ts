import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const here = import.meta.dirname;
const requirements = join(here, 'requirements.txt');

/** Installs the pinned packages into a virtual environment below `cache`, unless they are there; answers the command's path. */
export async function install(cache: string): Promise<string> {
  const version = createHash('sha256')
    .update(await readFile(requirements))
    .digest('hex')
    .slice(0, 12);
  const environment = join(cache, `schemathesis-${version}`);
  const command = join(environment, 'bin/st');
  if (existsSync(command)) return command;
  await rm(environment, { recursive: true, force: true });
  const run = promisify(execFile);
  try {
    await run('python3', ['-m', 'venv', environment]);
    const options = ['--quiet', '--disable-pip-version-check', '--require-hashes', '-r', requirements];
    await run(join(environment, 'bin/python'), ['-m', 'pip', 'install', ...options], { timeout: 600_000 });
  } catch (error) {
    // Half an environment would be taken for a whole one.
    await rm(environment, { recursive: true, force: true });
    throw new Error('Schemathesis could not be installed; it needs Python 3.11 or newer with venv.', { cause: error });
  }
  return command;
}

/** How to run Schemathesis once. */
export interface Run {
  readonly url: string;
  readonly apiKey: string;
  readonly seed: number;
  readonly seconds: number;
  /** What hooks.py reads. */
  readonly fixture: string;
  /** What hooks.py writes. */
  readonly notes: string;
  /** Where the report goes. */
  readonly report: string;
}

/** Runs Schemathesis and answers its exit code and all that it said. */
export async function runSchemathesis(command: string, run: Run): Promise<{ exitCode: number; output: string }> {
  const where = ['--config-file', 'schemathesis.toml', 'run', `${run.url}/openapi.json`, '--url', run.url];
  const what = ['--seed', String(run.seed), '--max-time', String(run.seconds)];
  const reports = ['--no-color', '--report', 'json', '--report-json-path', run.report];
  const child = spawn(command, [...where, ...what, ...reports], {
    cwd: here,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, FLOWPACT_API_KEY: run.apiKey, FUZZ_FIXTURE: run.fixture, FUZZ_NOTES: run.notes },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += String(text)));
  const exitCode = await new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code ?? 1));
  });
  return { exitCode, output };
}
