import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** True while a process with this id exists, whoever owns it. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** The command line of a running process, or an empty string when it cannot be read. */
export function commandLine(pid: number): string {
  try {
    if (process.platform === 'linux') return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
    return execFileSync('ps', ['-p', String(pid), '-o', 'command='], { encoding: 'utf8' });
  } catch {
    return '';
  }
}

/** The id of the PostgreSQL that serves this cluster, or undefined when none does. */
export function runningPostmaster(cluster: string): number | undefined {
  const file = join(cluster, 'postmaster.pid');
  if (!existsSync(file)) return undefined;
  const pid = Number(readFileSync(file, 'utf8').split('\n')[0]);
  // After a crash the number may belong to some other process by now.
  return pid > 0 && isAlive(pid) && commandLine(pid).includes(cluster) ? pid : undefined;
}

/** Stops a PostgreSQL in its "fast" mode: transactions are rolled back, the data is left clean. Kills it after 20 s. */
export async function stopPostmaster(pid: number): Promise<void> {
  const deadline = Date.now() + 20_000;
  signal(pid, 'SIGINT');
  while (isAlive(pid)) {
    if (Date.now() > deadline) signal(pid, 'SIGQUIT');
    await sleep(20);
  }
}

/**
 * Frees a cluster whose server died without stopping its PostgreSQL: an orphan that still runs is stopped, a leftover
 * postmaster.pid is removed (PostgreSQL itself refuses to start when the number in it was reused by another process).
 */
export async function reclaimCluster(cluster: string): Promise<void> {
  const orphan = runningPostmaster(cluster);
  if (orphan !== undefined) await stopPostmaster(orphan);
  rmSync(join(cluster, 'postmaster.pid'), { force: true });
}

/** Asks a PostgreSQL to stop when this process ends without having stopped it; the result takes that back. */
export function stopAtExit(pid: number): () => void {
  const ask = (): void => signal(pid, 'SIGINT');
  process.once('exit', ask);
  return () => process.removeListener('exit', ask);
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
