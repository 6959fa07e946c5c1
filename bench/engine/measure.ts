import { readdirSync, readFileSync } from 'node:fs';

/** The value below which that share of the numbers lies; `share` from 0 to 1. */
export function percentile(numbers: readonly number[], share: number): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

export function median(numbers: readonly number[]): number {
  return percentile(numbers, 0.5);
}

/** Calls `work` that many times, never more than `inFlight` at once. */
export async function repeat(
  count: number,
  inFlight: number,
  work: (index: number) => Promise<unknown>,
): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: Math.min(inFlight, count) }, lane));
}

const ticksPerSecond = 100;

/**
 * Processor seconds that the process and its living children have used, read from /proc; undefined where there is none.
 * Children that have ended are in what their parent has waited for.
 */
export function processorSeconds(pid: number): number | undefined {
  try {
    const own = ticksOf(pid, true);
    const children = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && parentOf(Number(name)) === pid);
    return (own + children.reduce((sum, child) => sum + ticksOf(Number(child), false), 0)) / ticksPerSecond;
  } catch {
    return undefined;
  }
}

function fieldsOf(pid: number): string[] {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
}

/** Fields 14 to 17 of proc_pid_stat(5). */
function ticksOf(pid: number, withEnded: boolean): number {
  try {
    const fields = fieldsOf(pid);
    const [user, system, endedUser, endedSystem] = [11, 12, 13, 14].map((index) => Number(fields[index]));
    return user! + system! + (withEnded ? endedUser! + endedSystem! : 0);
  } catch {
    return 0;
  }
}

function parentOf(pid: number): number | undefined {
  try {
    return Number(fieldsOf(pid)[1]);
  } catch {
    return undefined;
  }
}
