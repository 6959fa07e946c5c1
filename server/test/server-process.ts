import { spawn, type ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { inTerminal } from './command.ts';
import { testMasterKeys } from './master-keys.ts';

const entry = new URL('../start.cjs', import.meta.url).pathname;

/** A server as `npm start` runs it: a process of its own, real signals, and a terminal of its own where it is wanted. */
export class ServerProcess {
  stdout = '';
  stderr = '';
  readonly exited: Promise<number | NodeJS.Signals>;
  private readonly child: ChildProcess;

  constructor(environment: Record<string, string>, { terminal = false } = {}) {
    const { NODE_OPTIONS: _jest, ...inherited } = process.env;
    // Those who share a database share its keys.
    const keys = environment.DATABASE_URL === undefined ? {} : { FLOWPACT_MASTER_KEYS: testMasterKeys };
    const command = [process.execPath, entry];
    const [program, ...args] = terminal ? inTerminal(command) : command;
    this.child = spawn(program!, args, {
      env: { ...inherited, PORT: '0', FLOWPACT_FIRST_KEY: 'print', ...keys, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child.stdout?.on('data', (chunk) => (this.stdout += String(chunk)));
    this.child.stderr?.on('data', (chunk) => (this.stderr += String(chunk)));
    this.exited = new Promise((done) => this.child.once('exit', (code, signal) => done(signal ?? code ?? 0)));
  }

  /** Resolves to the URL it listens on; throws with its output when it exits instead. */
  async ready(): Promise<string> {
    for (;;) {
      const url = /listens on (http\S+)/.exec(this.stdout)?.[1];
      if (url && this.stdout.includes('Ctrl-C')) return url;
      const { exitCode, signalCode } = this.child;
      if (exitCode !== null || signalCode !== null)
        throw new Error(`The server exited with ${exitCode ?? signalCode}:\n${this.stderr}`);
      await sleep(20);
    }
  }

  signal(name: NodeJS.Signals): void {
    this.child.kill(name);
  }

  /** Stops it if it still runs. */
  async end(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    this.child.kill('SIGTERM');
    const forced = setTimeout(() => this.child.kill('SIGKILL'), 20_000);
    await this.exited;
    clearTimeout(forced);
  }
}
