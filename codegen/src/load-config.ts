import { existsSync } from 'node:fs';
import { dirname, isAbsolute, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ContractConfig, FlowpactConfig, ResolvedContractConfig } from './config.ts';
import { GeneratorError, type Problem } from './problems.ts';

export interface LoadedConfig {
  readonly config: FlowpactConfig;
  /** Absolute path of the folder that paths in the configuration are relative to. */
  readonly root: string;
}

/** Imports a configuration file. Throws a `GeneratorError` when it does not exist, does not run, or lacks what is needed. */
export async function loadConfig(file: string): Promise<LoadedConfig> {
  const path = resolve(file);
  if (!existsSync(path)) {
    throw configError(`${file} does not exist`, 'create it, or pass --config FILE, or --spec FILE --out DIR');
  }
  let imported: { default?: FlowpactConfig };
  try {
    imported = (await import(pathToFileURL(path).href)) as { default?: FlowpactConfig };
  } catch (cause) {
    throw configError(`${file} cannot be loaded: ${(cause as Error).message}`, 'it must be a module Node can import');
  }
  const config = imported.default;
  if (!config || !Array.isArray(config.contracts)) {
    throw configError(`${file} has no contracts`, 'export default defineConfig({ contracts: [...] })');
  }
  return { config, root: dirname(path) };
}

/** Fills in defaults and makes paths absolute. */
export function resolveContract(
  contract: ContractConfig,
  config: FlowpactConfig,
  root: string,
): ResolvedContractConfig {
  const runtime = config.runtimeImport ?? '@flowpact/codegen/nest';
  return {
    name: contract.name,
    spec: resolve(root, contract.spec),
    out: resolve(root, contract.out),
    root,
    runtimeImport: runtime.startsWith('.') || isAbsolute(runtime) ? resolve(root, runtime) : runtime,
    idempotencyHeader: contract.idempotencyHeader ?? 'Idempotency-Key',
    errorCode: contract.errorCode ?? {},
    suppliedProperties: contract.suppliedProperties ?? [],
    suppliedHeaders: contract.suppliedHeaders ?? [],
    skip: contract.skip ?? [],
  };
}

export function configError(message: string, hint: string): GeneratorError {
  const problem: Problem = { code: 'invalid-configuration', message, hint };
  return new GeneratorError([problem]);
}
