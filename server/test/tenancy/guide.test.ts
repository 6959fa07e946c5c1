import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { variables } from '../../src/platform/config/variables.ts';
import * as plans from '../../src/domain/organisation/plan.ts';
import { startTestServer, type TestServer } from '../app.ts';

const path = join(import.meta.dirname, '..', '..', '..', 'docs', 'guides', 'tenancy.md');
const guide = readFileSync(path, 'utf8');
/** The cells of each row that describes something shared. */
const rows = guide
  .split('\n')
  .filter((line) => line.startsWith('|') && !/^\|[\s-]+\|/.test(line) && !line.startsWith('| What is shared'))
  .map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
const quoted = (text: string, pattern: RegExp): string[] => [...text.matchAll(pattern)].map(([, name]) => name!);

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
}, 60_000);
afterAll(() => server?.close(), 60_000);

test('the guide has turns, a bound, a metric and a test for each thing that organisations share', () => {
  expect(rows.length).toBeGreaterThan(25);
  for (const row of rows) {
    expect(row).toHaveLength(5);
    expect(row.filter((cell) => cell === '')).toEqual([]);
    expect(row[3]).toMatch(/`flowpact_\w+`/);
  }
});

test('the metrics that the guide names are measured', async () => {
  const measured = await server.metrics();
  const missing = quoted(guide, /`(flowpact_\w+)`/g).filter((name) => !measured.includes(`# TYPE ${name} `));
  expect(missing).toEqual([]);
});

test('what a process measures of its slots, batchers, caches and queues has a name', async () => {
  const measured = await server.metrics();
  const named = (metric: string): string[] =>
    [...new Set(quoted(measured, new RegExp(`^flowpact_${metric}\\{\\w+="(\\w+)"`, 'gm')))].toSorted();
  expect(named('shared_slots')).toEqual(
    expect.arrayContaining([
      'account_mails',
      'database',
      'engine',
      'event_loop',
      'host_lookups',
      'outgoing_calls',
      'password_hashes',
      'runs',
    ]),
  );
  expect(named('batch_items')).toEqual(
    expect.arrayContaining(['acceptances', 'event_reader', 'execution_recorder', 'run_ends', 'step_outcomes']),
  );
  expect(named('cache_entries')).toEqual(expect.arrayContaining(['graphs', 'oauth_tokens', 'workflow_versions']));
  expect(named('memory_bytes')).toEqual(['executions']);
  expect(named('due_organisations')).toEqual(expect.arrayContaining(['events', 'schedules', 'webhook_deliveries']));
});

test('the settings, numbers by plan and files that the guide names exist', () => {
  const settings = quoted(guide, /`([A-Z][A-Z_]+)`/g).filter((name) => name !== 'NOTIFY');
  expect(settings.filter((name) => !(name in variables.shape))).toEqual([]);
  const byPlan = quoted(guide, /`(\w+)` by plan/g);
  expect(byPlan.length).toBeGreaterThan(4);
  expect(byPlan.filter((name) => !(name in plans))).toEqual([]);
  const files = quoted(guide, /\]\(([^)#]+)\)/g);
  expect(files.filter((file) => !existsSync(join(dirname(path), file)))).toEqual([]);
});
