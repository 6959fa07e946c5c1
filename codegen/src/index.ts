export { defineConfig, type ContractConfig, type FlowpactConfig, type TargetConfig } from './config.ts';
export { generate, type Output } from './generate.ts';
export { lint, type LintResult } from './lint.ts';
export { GeneratorError, formatProblem, type Problem } from './problems.ts';
export { differences, write, type Difference } from './write.ts';
export type { GeneratedFile, Target, TargetInput } from './targets/target.ts';
