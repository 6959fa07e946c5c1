import { lint as lintDocument, loadConfig as loadRedoclyConfig } from '@redocly/openapi-core';
import { toProblem } from './load/load-document.ts';
import { extensionTypes } from './load/redocly-plugin.ts';
import type { Problem } from './problems.ts';

export interface LintResult {
  readonly errors: readonly Problem[];
  readonly warnings: readonly Problem[];
}

/** Checks a document against the rules of a Redocly configuration; without one, against Redocly's `recommended` rules. */
export async function lint(spec: string, rules: string | undefined, directory: string): Promise<LintResult> {
  const config = await loadRedoclyConfig(
    rules === undefined
      ? { customExtends: ['recommended'], plugins: [extensionTypes] }
      : { configPath: rules, plugins: [extensionTypes] },
  );
  const found = (await lintDocument({ ref: spec, config })).filter((problem) => !problem.ignored);
  const ofSeverity = (severity: string): readonly Problem[] =>
    found.filter((problem) => problem.severity === severity).map((problem) => toProblem(problem, directory));
  return { errors: ofSeverity('error'), warnings: ofSeverity('warn') };
}
