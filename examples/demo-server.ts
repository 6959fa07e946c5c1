import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const EMAIL = 'demo@flowpact.local';

export interface DemoServer {
  url: string;
  email: string;
  password: string;
  stop(): Promise<void>;
}

/** Builds the platform and starts it on a free port with data of its own, which is removed afterwards. */
export async function startDemoServer(allowedHost: string): Promise<DemoServer> {
  const dataDir = `.data/demo-${process.pid}`;
  const password = randomBytes(18).toString('base64url');
  execFileSync('npm', ['run', '--silent', 'build'], { cwd: ROOT, stdio: ['ignore', 'ignore', 'inherit'] });
  const server = spawn(process.execPath, ['dist/server/src/main.js'], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...process.env,
      PORT: '0',
      LOG_LEVEL: 'warn',
      FLOWPACT_DATA_DIR: dataDir,
      FLOWPACT_ADMIN_EMAIL: EMAIL,
      FLOWPACT_ADMIN_PASSWORD: password,
      OUTGOING_ALLOWED_HOSTS: allowedHost,
    },
  });
  const stop = async (): Promise<void> => {
    if (server.exitCode === null) {
      server.kill('SIGTERM');
      await new Promise((resolve) => server.once('exit', resolve));
    }
    remove(`${ROOT}/${dataDir}`);
  };
  try {
    return { url: await addressOf(server), email: EMAIL, password, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** As root, the database may lie elsewhere; then `postgres.place` names that folder in its first line. */
function remove(dataDir: string): void {
  const note = `${dataDir}/postgres.place`;
  const elsewhere = existsSync(note) ? readFileSync(note, 'utf8').split('\n').slice(0, 1) : [];
  for (const folder of [...elsewhere, dataDir]) rmSync(folder, { recursive: true, force: true });
}

/** The address on the screen of the started server. */
function addressOf(server: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let screen = '';
    server.stdout!.on('data', (chunk: Buffer) => {
      screen += chunk.toString();
      const address = /listens on (http:\S+)/.exec(screen)?.[1];
      if (address) resolve(address);
    });
    server.once('exit', (code) => reject(new Error(`The server ended with ${code} before it listened.`)));
  });
}
