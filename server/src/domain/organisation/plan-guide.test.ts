import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { inWords } from '../storage/bytes-in-words.ts';
import { storageKinds } from '../storage/storage-kinds.ts';
import {
  activeApiKeys,
  concurrentExecutions,
  executionBytes,
  executionRetentionDays,
  liveConnections,
  nodeBytes,
  type Plan,
  plans,
  requestQuotas,
  resourceLimits,
  storageCeiling,
  storageQuotas,
} from './plan.ts';

const guide = readFileSync(new URL('../../../../docs/guides/limits.md', import.meta.url), 'utf8');
const number = (value: number): string => value.toLocaleString('en-GB');

/** The first column of the table, and what stands behind it for a plan. */
const rows: Readonly<Record<string, (plan: Plan) => string>> = {
  'stored bytes': (plan) => inWords(storageQuotas[plan]),
  'requests in a minute / in a day (UTC)': (plan) =>
    `${number(requestQuotas[plan].perMinute)} / ${number(requestQuotas[plan].perDay)}`,
  'executions running at once': (plan) => number(concurrentExecutions[plan]),
  'days for which executions are kept': (plan) => number(executionRetentionDays[plan]),
  "bytes of a node's input or output": (plan) => inWords(nodeBytes[plan]),
  'bytes that one execution keeps': (plan) => inWords(executionBytes[plan]),
  'WebSockets and event streams open at once': (plan) => number(liveConnections[plan]),
  'active API keys': (plan) => number(activeApiKeys[plan]),
  workflows: (plan) => number(resourceLimits[plan].workflows),
  'versions of one workflow (the newest)': (plan) => number(resourceLimits[plan].workflow_versions),
  'triggers, schedules among them': (plan) => number(resourceLimits[plan].triggers),
  forms: (plan) => number(resourceLimits[plan].forms),
  channels: (plan) => number(resourceLimits[plan].channels),
  'bulk jobs (the newest, and those running)': (plan) => number(resourceLimits[plan].bulk_jobs),
  groups: (plan) => number(resourceLimits[plan].groups),
  webhooks: (plan) => number(resourceLimits[plan].webhooks),
  secrets: (plan) => number(resourceLimits[plan].secrets),
  credentials: (plan) => number(resourceLimits[plan].credentials),
  'key-value entries': (plan) => number(resourceLimits[plan].kv_entries),
};

/** The rows of the table whose columns are the plans. */
function tableOf(text: string): string[][] {
  const lines = text.split('\n');
  const head = lines.findIndex((line) => /^\|\s+\| Free\s+\| Starter\s+\| Pro\s+\| Business\s+\|$/.test(line));
  const end = lines.findIndex((line, index) => index > head && !line.startsWith('|'));
  return lines.slice(head + 2, end).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

test('the guide says of every limit what the plans allow', () => {
  expect(tableOf(guide)).toEqual(Object.entries(rows).map(([what, of]) => [what, ...plans.map(of)]));
});

test('the guide names every kind of storage, and the ceiling', () => {
  for (const kind of storageKinds) expect(guide).toContain(`| \`${kind}\``);
  expect(guide).toContain(`At ${storageCeiling} times the limit`);
});
