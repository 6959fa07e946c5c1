import { spawn } from 'node:child_process';
import { join } from 'node:path';

/** How a command ended, and what it has written. */
export interface CommandResult {
  status: number | null;
  stdout: string;
  stderr: string;
}

export interface CommandOptions {
  env?: Record<string, string>;
  stdin?: string;
  /** Run it in a terminal of its own, in which both outputs are one. */
  terminal?: boolean;
}

/** Runs one of `server/*.cjs`, as the npm scripts do: a process of its own. */
export function runCommand(
  file: string,
  args: readonly string[],
  { env = {}, stdin, terminal = false }: CommandOptions = {},
): Promise<CommandResult> {
  const { NODE_OPTIONS: _jest, ...inherited } = process.env;
  const command = [process.execPath, join(import.meta.dirname, '..', file), ...args];
  const [program, ...rest] = terminal ? inTerminal(command) : command;
  const child = spawn(program!, rest, { env: { ...inherited, ...env }, stdio: ['pipe', 'pipe', 'pipe'] });
  const result: CommandResult = { status: null, stdout: '', stderr: '' };
  child.stdout.on('data', (chunk) => (result.stdout += String(chunk)));
  child.stderr.on('data', (chunk) => (result.stderr += String(chunk)));
  // One that ends without having read its input is no fault.
  child.stdin.on('error', () => undefined);
  // The input of a terminal stays open, as a person's does; `script` would take its end for Ctrl-D.
  if (!terminal || stdin !== undefined) child.stdin.end(stdin);
  return new Promise((done, failed) => {
    child.once('error', failed);
    child.once('close', (status) => {
      child.stdin.destroy();
      done({ ...result, status });
    });
  });
}

/** The same command behind `script`, which gives it a terminal: that of util-linux, or that of BSD and macOS. */
export function inTerminal(command: readonly string[]): string[] {
  if (process.platform !== 'linux') return ['script', '-q', '/dev/null', ...command];
  const quoted = command.map((word) => `'${word.replaceAll("'", String.raw`'\''`)}'`).join(' ');
  return ['script', '--quiet', '--return', '--command', quoted, '/dev/null'];
}
