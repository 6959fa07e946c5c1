import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deserialize, serialize } from 'node:v8';
import { ContractDocument } from '../verifier/contract-document.ts';
import { type PrismOperations, readPrismOperations } from '../verifier/prism.ts';

/** The contract as the harness needs it. */
export interface PreparedContract {
  contract: ContractDocument;
  prism: PrismOperations;
}

const FILE = join(import.meta.dirname, '..', '..', 'spec', 'platform', 'openapi.yaml');
const FOLDER = 'FLOWPACT_TEST_CONTRACT';

/** Reads the contract once per jest run: bundling it, and translating it for Prism, costs more than most test files. */
export async function prepareContract(): Promise<void> {
  const contract = await ContractDocument.load(FILE);
  const folder = mkdtempSync(join(tmpdir(), 'flowpact-test-contract-'));
  writeFileSync(
    join(folder, 'contract'),
    serialize({ document: contract.document, prism: await readPrismOperations(contract) }),
  );
  process.env[FOLDER] = folder;
}

export function discardContract(): void {
  const folder = process.env[FOLDER];
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
}

/** What `prepareContract` left for the test files of this run. */
export function preparedContract(): PreparedContract {
  const { document, prism } = deserialize(readFileSync(join(process.env[FOLDER]!, 'contract'))) as {
    document: Record<string, unknown>;
    prism: PrismOperations;
  };
  return { contract: ContractDocument.of(document), prism };
}
