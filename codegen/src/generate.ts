import { resolve } from 'node:path';
import type { FlowpactConfig, ResolvedContractConfig, TargetConfig } from './config.ts';
import type { Contract } from './ir/index.ts';
import { readContract } from './ir/read/read-contract.ts';
import { configError, resolveContract } from './load-config.ts';
import { loadDocument } from './load/load-document.ts';
import { makePlan } from './plan/make-plan.ts';
import { Problems } from './problems.ts';
import { targets } from './targets/index.ts';
import type { GeneratedFile } from './targets/target.ts';

/** The files of one output folder. */
export interface Output {
  readonly contract: string;
  readonly target: string;
  /** Absolute path. */
  readonly folder: string;
  readonly files: readonly GeneratedFile[];
  /** Features that the configuration allows to leave out, with the number of places. */
  readonly skipped: ReadonlyMap<string, number>;
}

/**
 * Everything a configuration asks for, in memory. Throws a `GeneratorError` with the problems of all its contracts.
 * Nothing depends on the time, the machine or the order of files on disk: the same input gives the same bytes.
 */
export async function generate(config: FlowpactConfig, root: string): Promise<readonly Output[]> {
  const unknown = (config.targets ?? []).find(
    ({ contract }) => !config.contracts.some(({ name }) => name === contract),
  );
  if (unknown)
    throw configError(
      `target ${unknown.target} names the contract ${unknown.contract}, which does not exist`,
      'use the name of one of the contracts',
    );
  const problems = new Problems();
  const outputs: Output[] = [];
  for (const contract of config.contracts) {
    const own = (config.targets ?? []).filter((target) => target.contract === contract.name);
    const resolved = resolveContract(contract, config, root);
    const found = new Problems(resolved.skip);
    try {
      outputs.push(...(await generateContract(resolved, own, found)));
    } finally {
      for (const problem of found.list) problems.add(problem);
    }
  }
  problems.throwIfAny();
  return outputs;
}

async function generateContract(
  config: ResolvedContractConfig,
  further: readonly TargetConfig[],
  problems: Problems,
): Promise<readonly Output[]> {
  const contract = await loadContract(config, problems);
  const plan = makePlan(contract);
  const wanted: readonly TargetConfig[] = [{ target: 'nest', contract: config.name, out: config.out }, ...further];
  const outputs: Output[] = [];
  for (const { target: name, out, options = {} } of wanted) {
    const target = targets.get(name);
    if (!target) throw configError(`there is no target ${name}`, `use one of ${[...targets.keys()].join(', ')}`);
    const folder = resolve(config.root, out);
    const files = await target.emit({ contract, plan, config, out: folder, options, problems });
    outputs.push({ contract: config.name, target: name, folder, files, skipped: problems.skipped });
  }
  problems.throwIfAny();
  return outputs;
}

/** The IR of a configured contract. Throws a `GeneratorError` when the document is not one to generate from. */
export async function loadContract(config: ResolvedContractConfig, problems: Problems): Promise<Contract> {
  const loaded = await loadDocument(config.spec, config.root, problems);
  const contract = readContract(loaded, config, problems);
  problems.throwIfAny();
  return contract;
}
