import type { IdempotencyOutcome, IdempotentRequest, StoredResponse } from '#runtime/nest/index.ts';
import { RequestContext } from '@mikro-orm/core';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '../../../test/database.ts';
import { dieAt } from '../../../test/die-at.ts';
import type { Caller } from '../../domain/caller.ts';
import { ApiKey } from '../../domain/api-key/api-key.entity.ts';
import { ApiKeyService } from '../../domain/api-key/api-key.service.ts';
import { scopes } from '../../domain/scope.ts';
import { OrganisationService } from '../../domain/organisation/organisation.service.ts';
import { cheapPasswords } from '../../../test/cheap-passwords.ts';
import { createOrm } from '../database/orm.ts';
import { IdempotencyRecord } from './idempotency-record.entity.ts';
import { PostgresIdempotencyStore } from './postgres-idempotency-store.ts';

let database: TestDatabase;
let caller: Caller;
let store: PostgresIdempotencyStore;
/** Injected once for the whole application, as Nest does it: finds the present transaction by itself. */
let apiKeys: ApiKeyService;

beforeAll(async () => {
  database = await createTestDatabase();
  const first = await new OrganisationService(database.orm.em, cheapPasswords()).bootstrap();
  caller = { organisationId: first!.organisation.id, userId: first!.admin.id, scopes };
  store = new PostgresIdempotencyStore(database.orm.em);
  apiKeys = new ApiKeyService(database.orm.em);
});
beforeEach(async () => {
  const em = database.orm.em.fork();
  await em.nativeDelete(IdempotencyRecord, {});
  await em.nativeDelete(ApiKey, { name: 'effect' });
});
afterAll(() => database.drop());

function request(
  fields: { key?: string; fingerprint?: string; principal?: Caller; operation?: string } = {},
): IdempotentRequest {
  const { key = 'key-1', fingerprint = 'same', principal = caller, operation = 'createApiKey' } = fields;
  const context = { request: { ip: '192.0.2.1' }, contract: { name: 'platform' } };
  return { key, fingerprint, principal, operation: { id: operation }, context } as unknown as IdempotentRequest;
}

const created: StoredResponse = { status: 201, headers: { Location: '/v1/x' }, body: { secret: 'fp_live_shown_once' } };

/** What a handler does: through injected services, in the context of a request. */
function handler(response = created, then?: () => Promise<void>): () => Promise<StoredResponse> {
  return () =>
    RequestContext.create(database.orm.em, async () => {
      await apiKeys.create(caller, { name: 'effect', scopes: ['workflows:read'] });
      await then?.();
      return response;
    });
}

const neverCalled = (): Promise<StoredResponse> => Promise.reject(new Error('the handler ran again'));
const effects = (): Promise<number> => database.orm.em.fork().count(ApiKey, { name: 'effect' });
const records = (): Promise<number> => database.orm.em.fork().count(IdempotencyRecord);

describe('one key', () => {
  test('runs the handler once and replays status, headers and body', async () => {
    expect(await store.run(request(), handler())).toEqual({ kind: 'executed', response: created });
    expect(await store.run(request(), neverCalled)).toEqual({ kind: 'replayed', response: created });
    expect(await effects()).toBe(1);
  });

  test('with another request is a mismatch', async () => {
    await store.run(request(), handler());
    expect(await store.run(request({ fingerprint: 'other' }), neverCalled)).toEqual({ kind: 'mismatch' });
  });

  test('of another caller or for another operation is another key', async () => {
    await store.run(request(), handler());
    for (const other of [
      { principal: { ...caller, userId: 'user_other' } },
      { principal: { ...caller, organisationId: 'org_other' } },
      { operation: 'createWorkflow' },
      { key: 'key-2' },
    ]) {
      expect(await store.run(request(other), handler())).toMatchObject({ kind: 'executed' });
    }
  });

  test('is new after 24 hours, and purging removes it', async () => {
    const since = Date.now();
    await store.run(request(), handler());
    const em = database.orm.em.fork();
    const [record] = await em.find(IdempotencyRecord, {});
    const late = record!.expiresAt.getTime() - since - 86_400_000;
    expect(late).toBeGreaterThan(-1_000);
    expect(late).toBeLessThan(10 * 60_000);
    expect(await store.purge()).toBe(0);
    await em.nativeUpdate(IdempotencyRecord, {}, { expiresAt: new Date(Date.now() - 1) });
    expect(await store.run(request(), handler())).toMatchObject({ kind: 'executed' });
    expect(await store.run(request(), neverCalled)).toMatchObject({ kind: 'replayed' });
    await em.nativeUpdate(IdempotencyRecord, {}, { expiresAt: new Date(Date.now() - 1) });
    expect(await store.purge()).toBe(1);
  });
});

describe('effect and record', () => {
  test('vanish together when the handler throws, and the key can be used again', async () => {
    const crash = handler(created, () => Promise.reject(new Error('crash after the effect')));
    await expect(store.run(request(), crash)).rejects.toThrow('crash after the effect');
    expect([await effects(), await records()]).toEqual([0, 0]);
    expect(await store.run(request(), handler())).toMatchObject({ kind: 'executed' });
    expect([await effects(), await records()]).toEqual([1, 1]);
  });

  test('vanish together when the handler answers with a refusal', async () => {
    const refused: StoredResponse = { status: 409, headers: {}, body: { error: {} } };
    expect(await store.run(request(), handler(refused))).toEqual({ kind: 'executed', response: refused });
    expect([await effects(), await records()]).toEqual([0, 0]);
  });

  test('stay together for an answer below 400 alone', async () => {
    for (const [status, kept] of [
      [400, 0],
      [399, 1],
    ] as const) {
      await store.run(request(), handler({ ...created, status }));
      expect([await effects(), await records()]).toEqual([kept, kept]);
    }
  });

  test('vanish together when the record cannot be written', async () => {
    const unstorable = { ...created, body: 1n } as StoredResponse;
    await expect(store.run(request(), handler(unstorable))).rejects.toThrow('BigInt');
    expect([await effects(), await records()]).toEqual([0, 0]);
  });

  test('are invisible to others until both are there', async () => {
    const seen: number[] = [];
    await store.run(
      request(),
      handler(created, async () => {
        seen.push(await effects(), await records());
      }),
    );
    expect(seen).toEqual([0, 0]);
    expect([await effects(), await records()]).toEqual([1, 1]);
  });
});

describe('twins', () => {
  test('one that comes while the first runs is told to wait, in whichever process', async () => {
    const other = await createOrm({ url: database.url });
    const elsewhere = new PostgresIdempotencyStore(other.em);
    let twin: IdempotencyOutcome | undefined;
    await store.run(
      request(),
      handler(created, async () => {
        twin = await elsewhere.run(request(), neverCalled);
      }),
    );
    expect(twin).toEqual({ kind: 'in_flight', retryAfter: 1 });
    expect(await elsewhere.run(request(), neverCalled)).toMatchObject({ kind: 'replayed' });
    await other.close();
  });

  test('of many at once exactly one runs', async () => {
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => store.run(request(), handler())));
    expect(outcomes.filter(({ kind }) => kind === 'executed')).toHaveLength(1);
    expect(await effects()).toBe(1);
  });
});

test('neither the key nor the response can be read in the database', async () => {
  await store.run(request({ key: 'a-key-of-the-client' }), handler());
  const [row] = await database.orm.em
    .fork()
    .execute<{ text: string }[]>(
      `select concat(id, fingerprint, encode(response, 'escape')) as text from idempotency_record`,
    );
  expect(row!.text).not.toContain('a-key-of-the-client');
  expect(row!.text).not.toContain('shown_once');
});

test('a process that dies between the handler and its record leaves neither', async () => {
  const death = dieAt('idempotency.executed');
  await expect(store.run(request(), handler())).rejects.toThrow('Broken off');
  expect(death.reached()).toBe(true);
  expect([await effects(), await records()]).toEqual([0, 0]);
  expect((await store.run(request(), handler())).kind).toBe('executed');
  expect([await effects(), await records()]).toEqual([1, 1]);
});
