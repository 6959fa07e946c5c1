import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import ContractCoverageReporter from './coverage-reporter.ts';
import { CoverageStore } from './coverage.ts';

const contract = `openapi: 3.1.0
info: { title: Pets, version: 1.0.0 }
paths:
  /pets:
    get:
      operationId: listPets
      responses:
        200: { description: Pets., content: { application/json: { schema: { type: string, pattern: PATTERN } } } }
        204: { description: None. }
`;
const everything = [
  { operation: 'listPets', status: '200', mediaType: 'application/json' },
  { operation: 'listPets', status: '204', mediaType: '' },
];

let root: string;
let printed: string;
let run: string | undefined;

beforeEach(async () => {
  run = process.env['FLOWPACT_CONTRACT_RUN'];
  root = await mkdtemp(join(tmpdir(), 'flowpact-reporter-'));
  await mkdir(join(root, 'spec/platform'), { recursive: true });
  await writeFile(join(root, 'spec/platform/openapi.yaml'), contract.replace('PATTERN', '^a'));
  printed = '';
  jest.spyOn(process.stdout, 'write').mockImplementation((text) => {
    printed += String(text);
    return true;
  });
});

afterEach(async () => {
  jest.restoreAllMocks();
  if (run === undefined) delete process.env['FLOWPACT_CONTRACT_RUN'];
  else process.env['FLOWPACT_CONTRACT_RUN'] = run;
  await rm(root, { recursive: true });
});

const full = { onlyChanged: false, testPathPatterns: { patterns: [] } };
const report = (): unknown => JSON.parse(readFileSync(join(root, 'contract-tests/.report/coverage.json'), 'utf8'));
const hasReport = (): boolean => existsSync(join(root, 'contract-tests/.report/coverage.json'));

/** A run with these settings in which contract tests observed some of what is declared; what the gate says of it. */
async function gate(
  config: ConstructorParameters<typeof ContractCoverageReporter>[0],
  observed: typeof everything,
  { file = '/a/contract-tests/platform/pets.test.ts', wasInterrupted = false, beside = [] as string[] } = {},
): Promise<string | undefined> {
  const reporter = new ContractCoverageReporter(config, { root });
  reporter.onRunStart();
  new CoverageStore(join(root, 'contract-tests/.report'), 'platform').save(file, observed);
  const testResults = [...beside, file].map((testFilePath) => ({ testFilePath }));
  await reporter.onRunComplete(undefined, { testResults, wasInterrupted });
  return reporter.getLastError()?.message;
}

test('a run that observed all that is declared passes, and says so', async () => {
  expect(await gate(full, everything)).toBeUndefined();
  expect(printed).toBe('contract coverage: 2/2 (operation, status, media type)\n');
  expect(report()).toEqual({ declared: 2, observed: 2, missing: [] });
});

test('a run that did not observe all of it fails, and names what is missing', async () => {
  expect(await gate(full, everything.slice(0, 1))).toBe('Declared but never observed: listPets 204');
  expect(printed).toContain('contract coverage: 1/2 ');
  expect(printed).toContain('\nnot observed: listPets 204\n');
  expect(report()).toEqual({ declared: 2, observed: 1, missing: ['listPets 204'] });
});

test('contract tests are judged among all others too', async () => {
  const beside = ['/a/codegen/src/cli.test.ts', '/a/server/src/pets.test.ts'];
  expect(await gate(full, [], { beside })).toMatch(/^Declared but never observed/);
});

test('what a run observed is forgotten by the next', async () => {
  await gate(full, everything);
  expect(await gate(full, [])).toBe('Declared but never observed: listPets 200 application/json; listPets 204');
});

test('what the same process left behind counts for nothing', async () => {
  process.env['FLOWPACT_CONTRACT_RUN'] = String(process.pid);
  new CoverageStore(join(root, 'contract-tests/.report'), 'platform').save('/a/contract-tests/old.test.ts', everything);
  expect(await gate(full, [])).toMatch(/^Declared but never observed/);
});

test.each([
  ['of some files', { ...full, testPathPatterns: { patterns: ['pets'] } }],
  ['of some tests', { ...full, testNamePattern: 'a pet' }],
  ['of what has changed', { ...full, onlyChanged: true }],
])('a run %s is reported, and not judged', async (_name, config) => {
  expect(await gate(config, [])).toBeUndefined();
  expect(printed).toBe('contract coverage: 0/2 (operation, status, media type)\n');
  expect(report()).toMatchObject({ observed: 0 });
});

test('a run without settings for its files is a whole one', async () => {
  expect(await gate({ onlyChanged: false }, [])).toMatch(/^Declared but never observed/);
});

test('a run without contract tests, or one that was interrupted, says nothing of the contract', async () => {
  expect(await gate(full, [], { file: '/a/server/src/pets.test.ts' })).toBeUndefined();
  expect(await gate(full, [], { wasInterrupted: true })).toBeUndefined();
  expect([printed, hasReport()]).toEqual(['', false]);
});

test('a run begins by naming itself to the processes of its tests', () => {
  process.env['FLOWPACT_CONTRACT_RUN'] = 'another';
  new ContractCoverageReporter(full, { root }).onRunStart();
  expect(process.env['FLOWPACT_CONTRACT_RUN']).toBe(String(process.pid));
});

test('a schema that does not compile stops a whole run', async () => {
  await writeFile(join(root, 'spec/platform/openapi.yaml'), contract.replace('PATTERN', '"(?i)a"'));
  await expect(gate(full, everything)).rejects.toThrow(/regular expression|pattern/i);
});

test('jest is told of the reporter', async () => {
  const file = new URL('../../jest.config.js', import.meta.url).href;
  const { default: config } = (await import(file)) as { default: { reporters: unknown } };
  expect(config.reporters).toContain('<rootDir>/contract-tests/verifier/coverage-reporter.ts');
});
