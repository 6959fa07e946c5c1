/**
 * Installs each SDK into a clean environment, runs its tests, and runs one scenario with it against a live server: log
 * in, create, publish, execute, follow, list with paging, a 404 and a 400 as typed errors, receive and verify what is sent
 * to a webhook. Prints one line for each language. (The TypeScript SDK's tests run with `npm test`.) Uses the server at FLOWPACT_URL (with FLOWPACT_EMAIL and FLOWPACT_PASSWORD), or builds and starts one of its own.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { chmod, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const root = join(import.meta.dirname, '..');
const clients = join(root, 'clients');
const steps = 'log in, create, publish, execute, follow, list with paging, 404, 400, verify a webhook';

interface Server {
  readonly url: string;
  readonly email: string;
  readonly password: string;
  stop(): Promise<void>;
}

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
  let server: Server | undefined;
  try {
    server = await provideServer(work);
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

async function test(language: Language, server: Server, work: string): Promise<boolean> {
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

async function provideServer(work: string): Promise<Server> {
  const { FLOWPACT_URL: url, FLOWPACT_EMAIL: email, FLOWPACT_PASSWORD: password } = process.env;
  if (url !== undefined) {
    if (!email || !password)
      throw new Error('With FLOWPACT_URL, set FLOWPACT_EMAIL and FLOWPACT_PASSWORD of a user too.');
    return { url, email, password, stop: async () => undefined };
  }
  await run('npm', ['run', '--silent', 'build'], root);
  return startServer(work);
}

async function startServer(work: string): Promise<Server> {
  const port = await freePort();
  const account = { email: 'sdk@flowpact.local', password: 'sdk-scenario-password' };
  const child = spawn(process.execPath, ['dist/server/src/main.js'], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      PORT: String(port),
      FLOWPACT_DATA_DIR: join(work, 'data'),
      FLOWPACT_ADMIN_EMAIL: account.email,
      FLOWPACT_ADMIN_PASSWORD: account.password,
      LOG_LEVEL: 'warn',
      RESPONSE_VALIDATION: 'throw',
      // Where the scenarios receive what is sent to their webhooks.
      OUTGOING_ALLOWED_HOSTS: '127.0.0.1',
    },
  });
  const output: string[] = [];
  child.stdout.on('data', (text) => output.push(String(text)));
  child.stderr.on('data', (text) => output.push(String(text)));
  const url = `http://127.0.0.1:${port}`;
  await ready(url, child, output);
  return { url, ...account, stop: () => stopped(child) };
}

async function ready(url: string, child: ChildProcess, output: readonly string[]): Promise<void> {
  for (let attempt = 0; attempt < 300; attempt += 1) {
    if (child.exitCode !== null)
      throw new Error(`The server ended with exit code ${child.exitCode}:\n${output.join('')}`);
    const answer = await fetch(`${url}/health/ready`).catch(() => undefined);
    if (answer?.ok) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  await stopped(child);
  throw new Error(`The server was not ready after 30 s:\n${output.join('')}`);
}

async function stopped(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), 20_000);
  await ended;
  clearTimeout(timer);
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
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
