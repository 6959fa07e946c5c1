import { spawnSync } from 'node:child_process';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { readRules, type Report, resultsOf, summarise } from './results.ts';

const report = (failures: readonly string[][], errors: readonly unknown[] = []): Report => ({
  running_time: 1.6,
  operations: { selected: 4, tested: 3 },
  phases: { coverage: { status: 'success' }, stateful: { status: 'skip' } },
  test_cases: { generated: 10 },
  failures: failures.map((operations) => ({ operations })),
  errors,
});

describe('what a run counts as', () => {
  test.each<[string, Report, number, { passed: number; failed: number }]>([
    ['without findings', report([]), 0, { passed: 3, failed: 0 }],
    ['an operation with two findings fails once', report([['a', 'b'], ['a']]), 1, { passed: 1, failed: 2 }],
    ['an error fails', report([], ['refused']), 1, { passed: 3, failed: 1 }],
    ['a run that failed for no operation fails', report([]), 2, { passed: 3, failed: 1 }],
  ])('%s', (_name, given, exitCode, want) => {
    expect(resultsOf(given, exitCode)).toEqual(want);
  });
});

test('what the run makes beforehand loads on Node alone, as the run does', () => {
  const { NODE_OPTIONS: _jest, ...env } = process.env;
  const code = `await import(${JSON.stringify(join(import.meta.dirname, 'fixture.ts'))})`;
  const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', code], {
    env,
    encoding: 'utf8',
  });
  expect({ status, stderr: stderr.replaceAll(/.*Warning.*\n?/g, '') }).toEqual({ status: 0, stderr: '' });
});

test('listed rules that were not met are named', async () => {
  const rules = await readRules();
  const [first, ...others] = rules;
  const text = summarise(report([]), { rules: { [first!.rule]: 7 }, succeeded: ['a'] }, rules);
  expect(text).toContain('10 requests to 3 of 4 operations in 2 s: coverage.');
  expect(text).toContain('7 valid requests were refused');
  expect(text).toContain(others.map(({ rule }) => rule).join('; '));
  expect(text).not.toContain(`: ${first!.rule}`);
});

describe('the listed rules', () => {
  test('each has a name of its own and a reason, and expressions that compile', async () => {
    const rules = await readRules();
    expect(rules).not.toEqual([]);
    expect(new Set(rules.map(({ rule }) => rule)).size).toBe(rules.length);
    for (const { reason, field = '', message, content_type: type = '' } of rules) {
      expect(reason).toMatch(/^\S.*\.$/);
      for (const source of [field, message, type]) expect(() => new RegExp(source, 'u')).not.toThrow();
    }
  });

  test('name operations of the contract', async () => {
    const known = await operationIds();
    const named = (await readRules()).flatMap(({ operations }) => (operations === 'all' ? [] : operations));
    expect(named).not.toEqual([]);
    expect(named.filter((operation) => !known.has(operation))).toEqual([]);
  });
});

async function operationIds(): Promise<ReadonlySet<string>> {
  const folder = join(import.meta.dirname, '../../spec/platform/paths');
  const files = await Promise.all((await readdir(folder)).map((file) => readFile(join(folder, file), 'utf8')));
  const found = files.flatMap((text) => Object.values(parse(text) as Record<string, Record<string, unknown>>));
  const operations = found.flatMap((path) => Object.values(path)) as { operationId?: string }[];
  return new Set(operations.flatMap(({ operationId }) => (operationId === undefined ? [] : [operationId])));
}
