import { randomUUID } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { verifier, useContractHarness } from '../harness/contract-harness.ts';
import { idempotentRequests, writtenTables } from '../harness/tags/index.ts';
import { until } from '../../server/test/until.ts';

const { contract } = verifier;
const harness = useContractHarness();

const idempotent = contract.operations
  .filter((operation) => operation.parameters.some((parameter) => parameter.name === 'Idempotency-Key'))
  .map((operation) => operation.id);

test('every operation that takes a key is tested', () => {
  expect(Object.keys(idempotentRequests).sort()).toEqual([...idempotent].sort());
});

describe.each(idempotent)('%s', (id) => {
  test('the same key and body replays the answer', async () => {
    const { first } = await idempotentRequests[id]!(harness());
    const headers = { 'idempotency-key': randomUUID() };
    const done = await harness().call(id, { ...first, headers });
    const replayed = await harness().call(id, { ...first, headers });
    expect(replayed.status).toBe(done.status);
    expect(replayed.headers.get('idempotent-replayed')).toBe('true');
    expect(replayed.body.data).toEqual(done.body.data);
  });

  test('422: the same key with another body', async () => {
    const { first, other } = await idempotentRequests[id]!(harness());
    const headers = { 'idempotency-key': randomUUID() };
    await harness().call(id, { ...first, headers });
    await harness().refused(id, { ...first, json: other, headers }, 422, 'idempotency_key_reused');
  });

  test('409: a twin that is still at work', async () => {
    const { first } = await idempotentRequests[id]!(harness());
    const headers = { 'idempotency-key': randomUUID() };
    const release = await holdWrites();
    const slow = harness().call(id, { ...first, headers });
    try {
      await waitUntilBlocked();
      const { headers: answer } = await harness().refused(id, { ...first, headers }, 409, 'request_in_progress');
      expect(Number(answer.get('retry-after'))).toBeGreaterThan(0);
    } finally {
      await release();
    }
    expect((await slow).status).toBeLessThan(300);
  });
});

/** Lets reads pass and makes every write to the domain's tables wait, until released. */
async function holdWrites(): Promise<() => Promise<void>> {
  return harness().server.holdLock(`LOCK TABLE ${writtenTables.join(', ')} IN SHARE MODE`);
}

async function waitUntilBlocked(): Promise<void> {
  await until(async () => {
    const [row] = await harness().server.sql<{ waiting: string }>(
      `select count(*)::text as waiting from pg_locks where not granted and database = (select oid from pg_database where datname = current_database())`,
    );
    return Number(row!.waiting) > 0;
  });
}
