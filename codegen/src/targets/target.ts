import type { ResolvedContractConfig } from '../config.ts';
import type { Contract } from '../ir/index.ts';
import type { Plan } from '../plan/plan.ts';
import type { Problems } from '../problems.ts';

/** A printer from IR and plan to files; it decides no names and reads no other files than it is given. */
export interface Target {
  readonly name: string;
  emit(input: TargetInput): readonly GeneratedFile[] | Promise<readonly GeneratedFile[]>;
}

export interface TargetInput {
  readonly contract: Contract;
  readonly plan: Plan;
  readonly config: ResolvedContractConfig;
  /** Absolute folder the files go to, for computing relative imports. */
  readonly out: string;
  /** `options` of the target's entry in the configuration. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Where to report what the target cannot express. */
  readonly problems: Problems;
}

export interface GeneratedFile {
  /** Relative to the output folder, with forward slashes. */
  readonly path: string;
  /** Ends with a newline. */
  readonly text: string;
}
