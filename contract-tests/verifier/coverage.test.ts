import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { CoverageStore } from './coverage.ts';
import type { Observation } from './verifier.ts';

const cell = (operation: string, status: string, mediaType = ''): Observation => ({ operation, status, mediaType });
const declared = [
  cell('getPet', '200', 'application/json'),
  cell('getPet', '404', 'application/json'),
  cell('getPet', '404', 'application/problem+json'),
  cell('deletePet', '204'),
];

let folder: string;
let run: string | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'flowpact-coverage-'));
  run = process.env['FLOWPACT_CONTRACT_RUN'];
});

afterEach(() => {
  rmSync(folder, { recursive: true });
  if (run === undefined) delete process.env['FLOWPACT_CONTRACT_RUN'];
  else process.env['FLOWPACT_CONTRACT_RUN'] = run;
});

const store = (): CoverageStore => new CoverageStore(folder, 'pets');

test('where nothing was observed, all that is declared is missing, in order', () => {
  expect(store().summarise([...declared, declared[0]!])).toEqual({
    declared: 4,
    observed: 0,
    missing: [
      'deletePet 204',
      'getPet 200 application/json',
      'getPet 404 application/json',
      'getPet 404 application/problem+json',
    ],
  });
});

test('what any test file observed counts once; a file may save twice, and what is not declared counts for nothing', () => {
  store().save('/a/pets.test.ts', [declared[0]!, declared[0]!, cell('getPet', '418')]);
  store().save('/a/pets.test.ts', [declared[3]!]);
  store().save('/b/pets.test.ts', [declared[0]!, declared[1]!]);
  expect(store().summarise(declared)).toEqual({
    declared: 4,
    observed: 3,
    missing: ['getPet 404 application/problem+json'],
  });
});

test('after a reset nothing is observed, and nothing is left on the disk', () => {
  store().save('/a/pets.test.ts', declared);
  store().reset();
  expect(store().summarise(declared).observed).toBe(0);
  expect(readdirSync(folder)).toEqual([]);
});

test('what another run observed does not count', () => {
  store().save('/a/pets.test.ts', declared);
  CoverageStore.begin();
  expect(process.env['FLOWPACT_CONTRACT_RUN']).toBe(String(process.pid));
  expect(store().summarise(declared).observed).toBe(0);
});
