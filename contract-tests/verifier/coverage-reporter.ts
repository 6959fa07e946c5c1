import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ContractDocument } from './contract-document.ts';
import { CoverageStore } from './coverage.ts';
import { Verifier } from './verifier.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const CONTRACTS = ['platform'];

interface RunResults {
  testResults: { testFilePath: string }[];
  wasInterrupted: boolean;
}

interface GlobalConfig {
  testNamePattern?: string;
  testPathPatterns?: { patterns: string[] };
  onlyChanged: boolean;
}

/**
 * Jest reporter that turns what the contract tests observed into `.report/coverage.json` and one line, and fails the run when
 * anything declared was not seen. A run of a selection of tests is reported but not judged.
 */
export default class ContractCoverageReporter {
  private readonly partial: boolean;
  private readonly root: string;
  private readonly report: string;
  private failure: Error | undefined;

  /** `root` is where `spec/` and `contract-tests/` are: the repository, but for tests of the reporter. */
  constructor(config: GlobalConfig, { root = ROOT }: { root?: string } = {}) {
    this.root = root;
    this.report = join(root, 'contract-tests', '.report');
    const selected = (config.testPathPatterns?.patterns ?? []).length > 0;
    this.partial = selected || config.onlyChanged || Boolean(config.testNamePattern);
  }

  onRunStart(): void {
    CoverageStore.begin();
    for (const contract of CONTRACTS) new CoverageStore(this.report, contract).reset();
  }

  async onRunComplete(_contexts: unknown, results: RunResults): Promise<void> {
    const ran = results.testResults.some(({ testFilePath }) => testFilePath.includes('/contract-tests/'));
    if (!ran || results.wasInterrupted) return;
    const lines: string[] = [];
    const summaries = [];
    for (const contract of CONTRACTS) {
      const document = await ContractDocument.load(join(this.root, 'spec', contract, 'openapi.yaml'));
      const store = new CoverageStore(this.report, contract);
      const verifier = new Verifier(document);
      // Test files compile what they meet; a schema that does not compile must stop the run, not pass silently.
      if (!this.partial) verifier.compileAll();
      const coverage = store.summarise(verifier.declared());
      store.reset();
      summaries.push(coverage);
      lines.push(`contract coverage: ${coverage.observed}/${coverage.declared} (operation, status, media type)`);
      if (coverage.missing.length > 0 && !this.partial) {
        this.failure = new Error(`Declared but never observed: ${coverage.missing.join('; ')}`);
        lines.push(`not observed: ${coverage.missing.join('; ')}`);
      }
    }
    mkdirSync(this.report, { recursive: true });
    writeFileSync(join(this.report, 'coverage.json'), `${JSON.stringify(summaries[0], null, 2)}\n`);
    process.stdout.write(`${lines.join('\n')}\n`);
  }

  getLastError(): Error | undefined {
    return this.failure;
  }
}
