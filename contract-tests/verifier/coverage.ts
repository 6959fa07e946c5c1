import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { basename, dirname, join } from 'node:path';
import type { Observation } from './verifier.ts';

/** The table of what the contract declares and what the run has seen of it. */
export interface Coverage {
  declared: number;
  observed: number;
  /** `operation status mediaType`, sorted. */
  missing: string[];
}

/** Names the run in the environment of the processes that take part in it. */
const RUN = 'FLOWPACT_CONTRACT_RUN';

/** Where the test files of one contract leave what they observed, and where the summary goes. */
export class CoverageStore {
  private readonly folder: string;

  constructor(reportFolder: string, contract: string) {
    this.folder = join(reportFolder, `observed-${process.env[RUN] ?? 'alone'}`, contract);
  }

  /** Begins a run of its own, so that two at the same time do not mix; test processes started from here on belong to it. */
  static begin(): void {
    process.env[RUN] = String(process.pid);
  }

  /** Forgets what was observed. */
  reset(): void {
    rmSync(dirname(this.folder), { recursive: true, force: true });
  }

  /** Adds what a test file observed; a file with several harnesses saves several times. */
  save(testFile: string, observations: readonly Observation[]): void {
    mkdirSync(this.folder, { recursive: true });
    const cells = [...new Set(observations.map(cell))].sort();
    writeFileSync(join(this.folder, `${basename(testFile)}.${randomUUID()}.json`), JSON.stringify(cells, null, 2));
  }

  summarise(declared: readonly Observation[]): Coverage {
    const observed = new Set<string>();
    for (const file of readFiles(this.folder)) for (const item of JSON.parse(file) as string[]) observed.add(item);
    const wanted = [...new Set(declared.map(cell))];
    const missing = wanted.filter((item) => !observed.has(item)).sort();
    return { declared: wanted.length, observed: wanted.length - missing.length, missing };
  }
}

function cell(observation: Observation): string {
  return `${observation.operation} ${observation.status} ${observation.mediaType}`.trimEnd();
}

function readFiles(folder: string): string[] {
  try {
    return readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8'));
  } catch {
    return [];
  }
}
