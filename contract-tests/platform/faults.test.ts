import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ContractHarness, verifier, useContractHarness } from '../harness/contract-harness.ts';
import { createFixture, type Fixture } from '../harness/fixture.ts';

// What only happens when something breaks: a crash in a handler, a database that cannot be reached, a limit that is used up.

const { contract } = verifier;
const answersWith = (status: string): string[] =>
  contract.operations.filter((operation) => operation.responses[status]).map((operation) => operation.id);

describe('500: a handler that crashes', () => {
  let broken = false;
  const harness = useContractHarness({
    guard: () => {
      if (broken) throw new Error('secret detail of the crash');
    },
  });
  let fixture: Fixture;

  beforeAll(async () => {
    fixture = await createFixture(harness());
    broken = true;
  });

  test.each(answersWith('500'))('%s', async (id) => {
    const { text } = await harness().refused(id, fixture.requests[id]!, 500, 'internal_error');
    expect(text).not.toContain('secret detail');
  });
});

describe('503: a database that cannot be reached', () => {
  // Declared first, since hooks run in this order and the harness closes in its own.
  afterAll(async () => {
    await harness().server.restoreDatabase();
  });
  const harness = useContractHarness();
  let fixture: Fixture;

  beforeAll(async () => {
    fixture = await createFixture(harness());
    await harness().server.cutDatabase();
  });

  test.each(answersWith('503'))('%s', async (id) => {
    const { headers } = await harness().refused(id, fixture.requests[id]!, 503, 'service_unavailable');
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
  });
});

describe('429: a limit that is used up', () => {
  const harness = useContractHarness();
  let fixture: Fixture;

  beforeAll(async () => {
    fixture = await createFixture(harness());
    await harness().call('getHealth', { apiKey: null });
    await exhaustDailyLimits(harness());
  });

  test.each(answersWith('429'))('%s', async (id) => {
    const { body, headers } = await harness().refused(id, fixture.requests[id]!, 429, 'rate_limit_exceeded');
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
    expect(body.error.details).toMatchObject({ window: 'day' });
  });
});

/** A day's worth of requests of everyone seen so far, entered where they are counted: sending 200,000 would take minutes. */
async function exhaustDailyLimits(harness: ContractHarness): Promise<void> {
  const counted = await harness.server.sql(`update request_count set day_count = 1000000000 returning subject`);
  expect(counted.length).toBeGreaterThan(0);
}
