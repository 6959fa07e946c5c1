/**
 * Checks the licences of all packages that the project installs, for production and for development, and asks the registry
 * for known vulnerabilities of production dependencies. `scripts/dependencies/exceptions.yaml` says what may pass, and why.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { install } from '../contract-tests/fuzz/schemathesis.ts';
import { audit, auditOutcome } from './dependencies/audit.ts';
import { readExceptions } from './dependencies/exceptions.ts';
import { goModules, npmPackages, pythonPackages, pythonPackagesOfSdk } from './dependencies/installed.ts';
import { licenceFaults } from './dependencies/licences.ts';

const root = join(import.meta.dirname, '..');
const cache = join(root, 'node_modules/.cache');
const exceptions = await readExceptions();
let passed = 0;
let failed = 0;

function tell(what: string, faults: readonly string[]): void {
  if (faults.length === 0) passed += 1;
  else failed += 1;
  console.log(`${faults.length === 0 ? 'ok    ' : 'FAILED'} ${what}`);
  for (const fault of faults) console.log(`       ${fault}`);
}

const npm = await npmPackages(root);
const sdk = await pythonPackagesOfSdk(root, cache);
const tools = await pythonPackages(join(dirname(await install(cache)), 'python'));
const counted = `${npm.length} of npm, ${sdk.length} of the Python SDK, ${tools.length} of Schemathesis`;
tell(`licences of packages: ${counted}`, licenceFaults([...npm, ...sdk, ...tools], exceptions));

// Their licences are in no metadata; as long as there are none, none needs to be read.
const modules = await goModules(root);
tell(
  'the Go SDK needs nothing but the standard library',
  modules.map((name) => `${name}: read its licence and say so here`),
);

const outcome = auditOutcome(await audit(root), exceptions.advisories, new Date().toISOString().slice(0, 10));
if ('faults' in outcome) tell('npm audit, production dependencies, severity high and critical', outcome.faults);
else console.log(`NOT RUN npm audit: the registry does not answer it (${outcome.unanswered}). Run it where it does.`);

await mkdir(join(root, '.report'), { recursive: true });
await writeFile(join(root, '.report/dependencies.json'), JSON.stringify({ passed, failed }));
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
