import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { WorkflowDefinition } from '../../src/domain/language/index.ts';

/** A line of the journal: a step of a worker began, ended, or was told to stop. */
export interface Entry {
  what: 'begin' | 'end' | 'stop';
  /** `execution:node:attempt`. */
  key: string;
  pid: number;
  /** Milliseconds since 1970. */
  at: number;
}

/** Worker processes on one database, which tests kill, and the journal that they share. */
export class Workers {
  readonly #url: string;
  readonly #environment: Record<string, string>;
  readonly #folder = mkdtempSync(join(tmpdir(), 'flowpact-workers-'));
  readonly #journal = join(this.#folder, 'journal');
  readonly #workers = new Set<ChildProcess>();
  #stdout = '';

  constructor(url: string, environment: Record<string, string> = {}) {
    this.#url = url;
    this.#environment = environment;
  }

  async start(): Promise<ChildProcess> {
    const worker = fork(new URL('worker.ts', import.meta.url), [this.#url, this.#journal], {
      execArgv: ['--disable-warning=ExperimentalWarning', '--disable-warning=DeprecationWarning'],
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
      // Half of what a start costs is compiling, which the next one does not do again.
      env: { NODE_COMPILE_CACHE: join(tmpdir(), 'flowpact-compile-cache'), ...process.env, ...this.#environment },
    });
    this.#workers.add(worker);
    worker.stdout!.on('data', (chunk) => (this.#stdout += String(chunk)));
    worker.once('exit', () => this.#workers.delete(worker));
    await Promise.race([
      once(worker, 'message'),
      once(worker, 'exit').then(() => Promise.reject(new Error('The worker did not start.'))),
    ]);
    return worker;
  }

  entries(): Entry[] {
    if (!existsSync(this.#journal)) return [];
    const lines = readFileSync(this.#journal, 'utf8').trimEnd().split('\n').filter(Boolean);
    return lines.map((line) => {
      const [what, key, pid, at] = line.split(' ') as [Entry['what'], string, string, string];
      return { what, key, pid: Number(pid), at: Number(at) };
    });
  }

  /** What a reconciler found to mend, a line each. */
  mended(): string[] {
    return this.#stdout.split('\n').filter(Boolean);
  }

  /** Kills those that are left and empties the journal. */
  async clear(): Promise<void> {
    for (const worker of this.#workers) await kill(worker);
    rmSync(this.#journal, { force: true });
  }

  /** Call after clear(). */
  remove(): void {
    rmSync(this.#folder, { recursive: true });
  }
}

export async function kill(worker: ChildProcess): Promise<void> {
  if (worker.exitCode !== null || worker.signalCode !== null) return;
  const exit = once(worker, 'exit');
  worker.kill('SIGKILL');
  await exit;
}

/** Has the worker accept that many executions of one workflow; their ids. */
export async function begin(worker: ChildProcess, definition: WorkflowDefinition, count: number): Promise<string[]> {
  const answer = once(worker, 'message') as Promise<[{ begun: string[] }]>;
  worker.send({ begin: definition, count });
  return (await answer)[0].begun;
}
