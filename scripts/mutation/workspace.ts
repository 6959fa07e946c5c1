import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** Milliseconds that the tests of one fault may take: a fault that makes them run for ever is noticed by that. */
const testTimeoutMs = 600_000;

/** A copy of the repository in which a file can be changed without anybody's seeing it. */
export class Workspace {
  readonly #path: string;

  constructor(root: string) {
    this.#path = mkdtempSync(join(tmpdir(), 'flowpact-mutation-'));
    // PostgreSQL runs under a user of its own.
    chmodSync(this.#path, 0o755);
    const files = execFileSync('git', ['ls-files', '-coz', '--exclude-standard'], { cwd: root, encoding: 'utf8' });
    for (const file of files.split('\0').filter(Boolean)) {
      const to = join(this.#path, file);
      mkdirSync(dirname(to), { recursive: true });
      cpSync(join(root, file), to);
    }
    symlinkSync(join(root, 'node_modules'), join(this.#path, 'node_modules'));
  }

  write(file: string, source: string): void {
    writeFileSync(join(this.#path, file), source);
  }

  /** Whether the tests pass; they end at the first that fails. */
  async pass(tests: readonly string[]): Promise<boolean> {
    const given = ['--silent', '--bail', '--maxWorkers=1', '--reporters=default', '--testPathPatterns', ...tests];
    const child = spawn('npm', ['run', '--silent', 'test:jest', '--', ...given], {
      cwd: this.#path,
      stdio: 'ignore',
      detached: true,
    });
    const timer = setTimeout(() => process.kill(-child.pid!, 'SIGKILL'), testTimeoutMs);
    const code = await new Promise<number | null>((resolve, reject) =>
      child.once('error', reject).once('close', resolve),
    );
    clearTimeout(timer);
    return code === 0;
  }

  remove(): void {
    rmSync(this.#path, { recursive: true, force: true });
  }
}
