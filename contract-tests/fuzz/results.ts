import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';

/** An entry of refusals.yaml: a rule that the contract cannot say. */
export interface Rule {
  readonly rule: string;
  readonly operations: 'all' | readonly string[];
  readonly code?: string;
  readonly content_type?: string;
  readonly field?: string;
  readonly message: string;
  readonly reason: string;
}

/** The part of Schemathesis' JSON report that counts. */
export interface Report {
  readonly running_time: number;
  readonly operations: { readonly selected: number; readonly tested: number };
  readonly phases: Readonly<Record<string, { readonly status: string }>>;
  readonly test_cases: { readonly generated: number };
  readonly failures: readonly { readonly operations: readonly string[] }[];
  readonly errors: readonly unknown[];
}

/** What hooks.py has seen. */
export interface Notes {
  /** How often each listed rule was met. */
  readonly rules: Readonly<Record<string, number>>;
  /** Operations that answered with success at least once. */
  readonly succeeded: readonly string[];
}

/** Operations as CI counts them: one that has a finding has failed. */
export interface Results {
  readonly passed: number;
  readonly failed: number;
}

export async function readRules(): Promise<readonly Rule[]> {
  return parse(await readFile(join(import.meta.dirname, 'refusals.yaml'), 'utf8')) as Rule[];
}

/** A run that Schemathesis calls failed has at least one failure, also where no operation is to blame. */
export function resultsOf({ operations, failures, errors }: Report, exitCode: number): Results {
  const failing = new Set(failures.flatMap((failure) => failure.operations)).size;
  const failed = exitCode === 0 ? failing : Math.max(1, failing + errors.length);
  return { passed: Math.max(0, operations.tested - failing), failed };
}

/** The run in words. */
export function summarise(
  { operations, phases, test_cases, running_time }: Report,
  notes: Notes,
  rules: readonly Rule[],
): string {
  const ran = Object.entries(phases).filter(([, { status }]) => status !== 'skip');
  const met = Object.values(notes.rules).reduce((sum, count) => sum + count, 0);
  const unmet = rules.filter(({ rule }) => notes.rules[rule] === undefined).map(({ rule }) => rule);
  return [
    `${test_cases.generated} requests to ${operations.tested} of ${operations.selected} operations in ${Math.round(running_time)} s: ${ran.map(([name]) => name).join(', ')}.`,
    `${notes.succeeded.length} operations have answered with success.`,
    `${met} valid requests were refused for rules that the contract cannot say (contract-tests/fuzz/refusals.yaml).`,
    ...(unmet.length > 0 ? [`Listed and not met this time: ${unmet.join('; ')}.`] : []),
  ].join('\n');
}
