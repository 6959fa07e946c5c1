/**
 * Installs each SDK into a clean environment, runs its tests, and runs one scenario with it against a live server: log
 * in, create, publish, execute, follow, list with paging, a 404 and a 400 as typed errors, receive and verify what is sent
 * to a webhook. Prints one line for each language. (The TypeScript SDK's tests run with `npm test`.) Uses the server at FLOWPACT_URL (with FLOWPACT_EMAIL and FLOWPACT_PASSWORD), or starts one of its own.
 */
import { execFile } from 'node:child_process';
import { chmod, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { provideServer, type ProvidedServer } from '../server/test/provided-server.ts';

const root = join(import.meta.dirname, '..');
const clients = join(root, 'clients');
const steps = 'log in, create, publish, execute, follow, list with paging, 404, 400, verify a webhook';

interface Language {
  readonly name: string;
  /** Installs and checks the SDK in the folder, and gives the command that runs the scenario. */
  prepare(folder: string): Promise<readonly [string, ...string[]]>;
}

const languages: readonly Language[] = [
  { name: 'TypeScript', prepare: prepareTypeScript },
  { name: 'Python', prepare: preparePython },
  { name: 'Go', prepare: prepareGo },
];

async function prepareTypeScript(folder: string): Promise<readonly [string, ...string[]]> {
  const sdk = join(clients, 'typescript');
  await run('npm', ['run', '--silent', 'build'], sdk);
  await run('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', folder], sdk);
  const { version } = JSON.parse(await readFile(join(sdk, 'package.json'), 'utf8')) as { version: string };
  await cp(join(clients, 'scenario/typescript'), folder, { recursive: true });
  await writeFile(join(folder, 'package.json'), JSON.stringify({ name: 'scenario', private: true, type: 'module' }));
  const packages = [`./flowpact-sdk-${version}.tgz`, '@types/node@24.19.2'];
  await run('npm', ['install', '--silent', '--no-audit', '--no-fund', ...packages], folder);
  await run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc')], folder);
  return [process.execPath, 'out/scenario.js'];
}

async function preparePython(folder: string): Promise<readonly [string, ...string[]]> {
  const python = join(folder, 'venv/bin/python');
  // pip builds inside the source folder, so it gets a copy.
  await cp(join(clients, 'python'), join(folder, 'sdk'), { recursive: true });
  await cp(join(clients, 'scenario/python'), folder, { recursive: true });
  await run('python3', ['-m', 'venv', 'venv'], folder);
  const packages = ['./sdk', 'mypy==2.4.1', 'types-python-dateutil'];
  await run(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...packages], folder);
  await run(python, ['-m', 'mypy'], join(folder, 'sdk'));
  await run(python, ['-m', 'unittest'], join(folder, 'sdk'));
  await run(python, ['-m', 'mypy', '--check-untyped-defs', 'scenario.py'], folder);
  return [python, 'scenario.py'];
}

async function prepareGo(folder: string): Promise<readonly [string, ...string[]]> {
  const sdk = join(clients, 'go');
  await run('go', ['vet', './...'], sdk);
  await run('go', ['test', './...'], sdk);
  await cp(join(clients, 'scenario/go'), folder, { recursive: true });
  await run('go', ['mod', 'edit', `-replace=github.com/flowpact/flowpact-go=${sdk}`], folder);
  await run('go', ['mod', 'tidy'], folder);
  await run('go', ['vet', './...'], folder);
  await run('go', ['build', '-o', 'scenario', '.'], folder);
  return [join(folder, 'scenario')];
}

async function main(): Promise<number> {
  const work = await mkdtemp(join(tmpdir(), 'flowpact-test-sdks-'));
  // Where this runs as root, the embedded PostgreSQL runs as another account, which has to get through.
  await chmod(work, 0o711);
  let failures = 0;
  let server: ProvidedServer | undefined;
  try {
    server = await provideServer({
      FLOWPACT_DATA_DIR: join(work, 'data'),
      FLOWPACT_ADMIN_EMAIL: 'sdk@flowpact.local',
      FLOWPACT_ADMIN_PASSWORD: 'sdk-scenario-password',
      LOG_LEVEL: 'warn',
      RESPONSE_VALIDATION: 'throw',
      // Where the scenarios receive what is sent to their webhooks.
      OUTGOING_ALLOWED_HOSTS: '127.0.0.1',
    });
    for (const language of languages) failures += (await test(language, server, work)) ? 0 : 1;
  } catch (error) {
    console.log(error instanceof Error ? error.message : String(error));
    failures = languages.length;
  } finally {
    await server?.stop();
    await rm(work, { recursive: true, force: true });
  }
  await report({ passed: languages.length - failures, failed: failures });
  return failures === 0 ? 0 : 1;
}

/** For people, and in `.report/` for the sum that CI prints. */
async function report({ passed, failed }: { passed: number; failed: number }): Promise<void> {
  const folder = join(root, '.report');
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'sdks.json'), JSON.stringify({ passed, failed }));
  console.log(`${passed} passed, ${failed} failed`);
}

async function test(language: Language, server: ProvidedServer, work: string): Promise<boolean> {
  const folder = join(work, language.name.toLowerCase());
  await mkdir(folder);
  const began = Date.now();
  const label = `SDK ${language.name}`.padEnd(16);
  try {
    const [command, ...args] = await language.prepare(folder);
    await run(command, args, folder, {
      FLOWPACT_URL: server.url,
      FLOWPACT_EMAIL: server.email,
      FLOWPACT_PASSWORD: server.password,
      FLOWPACT_TAG: `sdk-${language.name.toLowerCase()}-${began}`,
    });
    console.log(`${label} ok: ${steps} (${((Date.now() - began) / 1000).toFixed(1)} s)`);
    return true;
  } catch (error) {
    console.log(`${label} FAILED\n${error instanceof Error ? error.message : String(error)}`);
    return false;
  }
}

async function run(
  command: string,
  args: readonly string[],
  cwd: string,
  env: Record<string, string> = {},
): Promise<void> {
  try {
    await promisify(execFile)(command, args, {
      cwd,
      env: { ...process.env, ...env },
      maxBuffer: 2 ** 26,
      timeout: 600_000,
    });
  } catch (error) {
    const { message, stdout = '', stderr = '' } = error as { message: string; stdout?: string; stderr?: string };
    throw new Error(`${message.split('\n')[0]}\n${stdout}${stderr}`.trimEnd(), { cause: error });
  }
}

process.exitCode = await main();
