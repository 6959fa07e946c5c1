import { spawn } from 'node:child_process';
import { chmodSync, cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

/** Milliseconds that one test may take, which else has the patience that a busy machine asks for. */
const oneTestTimeoutMs = 30_000;

/** Characters of their output that are kept, enough for the test that failed and why. */
const maxOutputLength = 4_000;

/** What is no source, wherever it stands: large, or not to be changed. */
const leftOut = new Set(['.git', '.data', '.report', '.results', '.venv', 'dist', 'node_modules', 'release']);

/** Jest without what it starts once for a run: a database, a contract that was prepared. */
const withoutSetup = 'jest.mutation.config.js';
const withoutSetupSource = `import config from './jest.config.js';
const bare = ({ globalSetup, globalTeardown, ...project }) => project;
export default { ...config, projects: config.projects.map(bare) };
`;

/** A copy of the repository in which a file can be changed without anybody's seeing it. */
export class Workspace {
  readonly #path: string;
  /** Ends the tests that run. */
  #end = (): void => undefined;

  constructor(root: string) {
    this.#path = mkdtempSync(join(tmpdir(), 'flowpact-mutation-'));
    // PostgreSQL runs under a user of its own.
    chmodSync(this.#path, 0o755);
    cpSync(root, this.#path, { recursive: true, filter: (file) => !leftOut.has(basename(file)) });
    symlinkSync(join(root, 'node_modules'), join(this.#path, 'node_modules'));
    this.write(withoutSetup, withoutSetupSource);
  }

  write(file: string, source: string): void {
    writeFileSync(join(this.#path, file), source);
  }

  /**
   * The end of what the tests print where they fail, or take longer than `limit` milliseconds; undefined where they pass. They end
   * with the first file that fails.
   */
  async failure(tests: readonly string[], limit: number, needsSetup = true): Promise<string | undefined> {
    const config = needsSetup ? [] : ['--config', withoutSetup];
    const given = [
      ...config,
      '--silent',
      '--bail',
      '--maxWorkers=1',
      `--testTimeout=${oneTestTimeoutMs}`,
      '--reporters=default',
      '--testPathPatterns',
      ...tests,
    ];
    const child = spawn('npm', ['run', '--silent', 'test:jest', '--', ...given], {
      cwd: this.#path,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    let output = '';
    const keep = (text: string): void => void (output = (output + text).slice(-maxOutputLength));
    child.stdout.setEncoding('utf8').on('data', keep);
    child.stderr.setEncoding('utf8').on('data', keep);
    this.#end = () => process.kill(-child.pid!, 'SIGKILL');
    const timer = setTimeout(this.#end, limit);
    const code = await new Promise<number | null>((resolve, reject) =>
      child.once('error', reject).once('close', resolve),
    );
    clearTimeout(timer);
    this.#end = () => undefined;
    return code === 0 ? undefined : output;
  }

  /** Call once; tests that still run end. */
  remove(): void {
    this.#end();
    rmSync(this.#path, { recursive: true, force: true });
  }
}
