import { availableParallelism } from 'node:os';
import { swc } from './server/test/swc.js';

const transform = { '^.+\\.ts$': ['@swc/jest', swc] };

/** One jest project per kind of proof; `npm test` runs them all, `jest --selectProjects unit` one of them. */
const project = (displayName, roots, more = {}) => ({
  displayName,
  rootDir: import.meta.dirname,
  roots,
  testMatch: ['**/*.test.ts'],
  testEnvironment: '<rootDir>/server/test/environment.js',
  extensionsToTreatAsEsm: ['.ts'],
  transform,
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/.*/dist/'],
  ...more,
});

/** A real PostgreSQL for the tests that ask for it: started once for the run, a fresh database per test file. */
const withDatabase = {
  globalSetup: '<rootDir>/server/test/start-postgres.ts',
  globalTeardown: '<rootDir>/server/test/stop-postgres.ts',
};

export default {
  // Tests wait for processes and databases more than they compute, so that two share even a small machine well.
  maxWorkers: Math.max(2, availableParallelism() - 1),
  // Generous, since a busy machine is slow and a slow test is not a failed one.
  testTimeout: 120_000,
  reporters: ['default', '<rootDir>/contract-tests/verifier/coverage-reporter.ts'],
  projects: [
    project('unit', ['<rootDir>/codegen', '<rootDir>/clients/typescript', '<rootDir>/scripts', '<rootDir>/spec']),
    project('server', ['<rootDir>/server'], withDatabase),
    project('contract', ['<rootDir>/contract-tests'], {
      globalSetup: '<rootDir>/contract-tests/harness/global-setup.ts',
      globalTeardown: '<rootDir>/contract-tests/harness/global-teardown.ts',
    }),
  ],
};
