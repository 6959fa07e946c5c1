// Adds up the result files that the test commands left in .report/, in the form that CI reads.
import { existsSync, readFileSync } from 'node:fs';

interface Results {
  passed: number;
  failed: number;
}

const REPORT = new URL('../.report/', import.meta.url);

function read(name: string, count: (report: never) => Results): Results {
  const file = new URL(name, REPORT);
  if (!existsSync(file)) {
    console.log(`${name} is missing: its tests did not run to the end.`);
    return { passed: 0, failed: 1 };
  }
  return count(JSON.parse(readFileSync(file, 'utf8')) as never);
}

const results = [
  read(
    'jest.json',
    (report: { numPassedTests: number; numFailedTests: number; numRuntimeErrorTestSuites: number }) => ({
      passed: report.numPassedTests,
      failed: report.numFailedTests + report.numRuntimeErrorTestSuites,
    }),
  ),
  read('sdks.json', (report: Results) => report),
  read('dependencies.json', (report: Results) => report),
  read('fuzz.json', (report: Results) => report),
];
const passed = results.reduce((sum, result) => sum + result.passed, 0);
const failed = results.reduce((sum, result) => sum + result.failed, 0);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
