import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { EntityManager } from '@mikro-orm/postgresql';
import { createTestDatabase, type TestDatabase } from '../../../test/database.ts';
import { RecordedLoops } from '../../../test/recorded-loops.ts';
import { createOrm } from '../../platform/database/orm.ts';
import { newId } from '../id.ts';
import { StorageAccounts } from './storage-accounts.ts';
import { type StoredBytes, storageKinds } from './storage-kinds.ts';
import { StorageMetrics } from './storage-metrics.ts';

class Counted extends StorageMetrics {
  fullNow = -1;
  corrections = 0;
  failures = 0;
  full(organisations: number): void {
    this.fullNow = organisations;
  }
  corrected(): void {
    this.corrections += 1;
  }
  settlingFailed(): void {
    this.failures += 1;
  }
}

const nothing = Object.fromEntries(storageKinds.map((kind) => [kind, 0])) as unknown as StoredBytes;

let database: TestDatabase;
let em: EntityManager;
let metrics: Counted;
let accounts: StorageAccounts;
let organisationId: string;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());
beforeEach(async () => {
  em = database.orm.em.fork();
  metrics = new Counted();
  accounts = new StorageAccounts(database.orm, new RecordedLoops(), metrics);
  organisationId = newId('org');
  await em.execute(
    `insert into organisation (id, name, plan, created_at, updated_at) values (?, 'One', 'free', now(), now())`,
    [organisationId],
  );
});

async function expectWholeSums(): Promise<void> {
  expect(await accounts.recount(organisationId)).toBe(false);
}

const insertKv = (key: string, bytes: number, at = em): Promise<unknown> =>
  at.execute(
    `insert into kv_entry (scope_id, key, organisation_id, scope, value, size, version, created_at, updated_at)
     values (?, ?, ?, 'organisation', convert_to(repeat('x', ?), 'UTF8'), ?, 1, now(), now())
     on conflict (scope_id, key) do update set value = excluded.value, size = excluded.size`,
    [organisationId, key, organisationId, bytes, bytes],
  );

/** A row in each of the tables that are counted, with values of 1,000 bytes and more where they have any. */
async function fill(): Promise<void> {
  const o = organisationId;
  const text = `repeat('x', 1000)`;
  const json = `jsonb_build_object('text', ${text})`;
  const statements = [
    `insert into workflow (id, organisation_id, name, status, tags, definition, definition_hash, node_count, revision, created_at, updated_at)
       values ('wf_${o}', '${o}', 'W', 'draft', '{}', ${json}, 'h', 1, 1, now(), now())`,
    `insert into workflow_version (id, organisation_id, workflow_id, version, definition, definition_hash, node_count, published_at)
       values ('wfv_${o}', '${o}', 'wf_${o}', 1, ${json}, 'h', 1, now())`,
    `insert into definition_snapshot (organisation_id, hash, definition, created_at) values ('${o}', 'h', ${json}, now())`,
    `insert into execution (id, organisation_id, workflow_id, workflow_version, definition_hash, status, input, metadata, trigger, started_by_type, started_by_id, created_at, output_bytes, event_bytes, log_bytes)
       values ('exec_${o}', '${o}', 'wf_${o}', 1, 'h', 'pending', ${json}, '{}', '{}', 'user', 'u', now(), 10, 20, 30)`,
    `insert into form (id, organisation_id, name, title, slug, status, fields, settings, revision, created_at, updated_at)
       values ('form_${o}', '${o}', 'F', 'F', '${o}', 'draft', '[]', '{}', 1, now(), now())`,
    `insert into form_submission (id, organisation_id, form_id, form_revision, source, data, created_at)
       values ('sub_${o}', '${o}', 'form_${o}', 1, 'api', ${json}, now())`,
    `insert into kv_entry (scope_id, key, organisation_id, scope, workflow_id, value, size, version, created_at, updated_at)
       values ('wf_${o}', 'key', '${o}', 'workflow', 'wf_${o}', convert_to(${text}, 'UTF8'), 1000, 1, now(), now())`,
    `insert into webhook (id, organisation_id, name, url, events, header_names, secret, enabled, created_at, updated_at)
       values ('wh_${o}', '${o}', 'W', 'https://x.example', '{}', '{}', '', true, now(), now())`,
    `insert into domain_event (id, organisation_id, type, data, created_at) values ('evt_${o}', '${o}', 'form.submitted', ${json}, now())`,
    `insert into webhook_delivery (id, organisation_id, webhook_id, event_id, event_type, origin, status, attempt_count, created_at)
       values ('dlv_${o}', '${o}', 'wh_${o}', 'evt_${o}', 'form.submitted', 'event', 'pending', 0, now())`,
    `insert into webhook_attempt (id, organisation_id, webhook_id, delivery_id, number, started_at, duration_ms, response_body)
       values ('att_${o}', '${o}', 'wh_${o}', 'dlv_${o}', 1, now(), 1, ${text})`,
    `insert into idempotency_record (id, organisation_id, fingerprint, response, expires_at, created_at)
       values ('${o}', '${o}', 'f', convert_to(${text}, 'UTF8'), now(), now())`,
    `insert into bulk_job (id, organisation_id, action, status, total, succeeded, failed, started_by_type, started_by_id, created_at)
       values ('job_${o}', '${o}', 'cancel', 'pending', 1, 0, 0, 'user', 'u', now())`,
    `insert into bulk_job_item (job_id, position, organisation_id, execution_id, status) values ('job_${o}', 1, '${o}', 'e', 'pending')`,
    `insert into trigger (id, organisation_id, workflow_id, name, kind, enabled, config, created_at, updated_at)
       values ('trig_${o}', '${o}', 'wf_${o}', 'T', 'schedule', true, '{}', now(), now())`,
    `insert into schedule_occurrence (id, organisation_id, trigger_id, scheduled_at, status, open, decided_at)
       values ('occ_${o}', '${o}', 'trig_${o}', now(), 'started', false, now())`,
  ];
  for (const statement of statements) await em.execute(statement);
}

describe('the sums are right', () => {
  test('when rows come: every table that is counted has its kind', async () => {
    expect(await accounts.of(organisationId)).toEqual(nothing);
    await fill();
    // The texts of 1,000 characters stand in JSON, {"text": "…"}, of 1,012 bytes; the rest is what rows count beside.
    expect(await accounts.of(organisationId)).toEqual({
      inputs: 500 + 1_012 + 2 + 2,
      outputs: 10,
      events: 20,
      logs: 30,
      submissions: 300 + 1_012,
      kv: 200 + 3 + 1_000,
      workflows: 500 + 1_012 + (500 + 1_012) + (200 + 1_012),
      deliveries: 300 + 1_012 + 400 + (300 + 1_000),
      other: 300 + 1_000 + 200 + 300,
    });
    await expectWholeSums();
  });

  test('when rows change', async () => {
    await fill();
    const before = await accounts.of(organisationId);
    const changes = [
      `update workflow set definition = '{}'`,
      `update kv_entry set value = convert_to(repeat('x', 500), 'UTF8')`,
      `update idempotency_record set response = ''`,
      `update webhook_delivery set status = 'succeeded', error = repeat('x', 100)`,
      `update form_submission set execution_id = 'e'`,
      `update bulk_job_item set status = 'succeeded', error_message = repeat('x', 100)`,
      `update schedule_occurrence set open = true`,
    ];
    for (const change of changes) await em.execute(`${change} where organisation_id = ?`, [organisationId]);
    expect(await accounts.of(organisationId)).toEqual({
      ...before,
      kv: before.kv - 500,
      workflows: before.workflows - 1_010,
      other: before.other - 1_000,
    });
    await expectWholeSums();
  });

  test('when rows go, also those that others take along', async () => {
    await fill();
    await em.execute('delete from form where organisation_id = ?', [organisationId]);
    expect((await accounts.of(organisationId)).submissions).toBe(0);
    await em.execute('delete from workflow where organisation_id = ?', [organisationId]);
    expect((await accounts.of(organisationId)).kv).toBe(0);
    const tables = ['execution', 'workflow_version', 'definition_snapshot', 'domain_event', 'webhook_delivery'];
    tables.push('webhook_attempt', 'idempotency_record', 'bulk_job_item', 'schedule_occurrence');
    for (const table of tables) await em.execute(`delete from ${table} where organisation_id = ?`, [organisationId]);
    expect(await accounts.of(organisationId)).toEqual(nothing);
    await expectWholeSums();
  });

  test('after a transaction that was rolled back, and while one is open', async () => {
    await insertKv('a', 100);
    const before = await accounts.of(organisationId);
    const open = database.orm.em.fork();
    await open.begin();
    await insertKv('b', 5_000, open);
    expect(await accounts.of(organisationId)).toEqual(before);
    await open.rollback();
    expect(await accounts.of(organisationId)).toEqual(before);
    await expectWholeSums();
  });

  test('while two processes write, settle and recount', async () => {
    const other = await createOrm({ url: database.url });
    const second = new StorageAccounts(other, new RecordedLoops(), metrics);
    const over = new AbortController();
    const settle = async (by: StorageAccounts): Promise<void> => {
      while (!over.signal.aborted) {
        await by.settle();
        await by.recount(organisationId);
      }
    };
    const settling = [settle(accounts), settle(second)];
    const write = async (from: EntityManager, name: string): Promise<void> => {
      for (let index = 0; index < 60; index++) await insertKv(`${name}${index % 20}`, 100 + index, from.fork());
    };
    await Promise.all([write(em, 'a'), write(other.em, 'b'), write(em, 'c'), write(other.em, 'd')]);
    over.abort();
    await Promise.all(settling);
    await other.close();
    const [row] = await em.execute<{ bytes: number }[]>(
      `select sum(200 + octet_length(key) + octet_length(value))::int as bytes from kv_entry where organisation_id = ?`,
      [organisationId],
    );
    expect((await accounts.of(organisationId)).kv).toBe(row!.bytes);
    expect(metrics.corrections).toBe(0);
  });
});

test('changes are added up, and nothing of them is left', async () => {
  await fill();
  const before = await accounts.of(organisationId);
  expect(await accounts.settle()).toBe(false);
  expect(await accounts.of(organisationId)).toEqual(before);
  expect(await em.execute('select 1 from storage_change')).toEqual([]);
});

test('an organisation that is gone leaves nothing behind', async () => {
  await fill();
  await em.execute('delete from organisation where id = ?', [organisationId]);
  await accounts.settle();
  const left = await em.execute(
    'select organisation_id from storage_change union all select organisation_id from storage_usage',
  );
  expect(left).not.toContainEqual({ organisation_id: organisationId });
});

test('a recount mends what was written past the triggers, and says so', async () => {
  await insertKv('a', 100);
  await em.transactional(async (inner) => {
    await inner.execute('set local session_replication_role = replica');
    await insertKv('b', 1_000, inner);
  });
  expect(await accounts.recount(organisationId)).toBe(true);
  expect((await accounts.of(organisationId)).kv).toBe(200 + 1 + 100 + (200 + 1 + 1_000));
  expect(metrics.corrections).toBe(1);
  await expectWholeSums();
});

test('every organisation is recounted once a day, and then it is counted how many are full', async () => {
  await em.execute(`update storage_usage set recounted_at = now()`);
  await em.execute(`insert into storage_usage (organisation_id, outputs) values (?, ?)`, [organisationId, 1024 ** 3]);
  while (await accounts.recountNext());
  expect(await accounts.recountNext()).toBe(false);
  const [row] = await em.execute<{ recounted: boolean }[]>(
    'select recounted_at is not null as recounted from storage_usage where organisation_id = ?',
    [organisationId],
  );
  expect(row).toEqual({ recounted: true });
  await accounts.settle();
  await accounts.recountNext();
  expect(metrics.fullNow).toBe(0);
  await em.execute(`update storage_usage set outputs = ? where organisation_id = ?`, [1024 ** 3, organisationId]);
  await accounts.recountNext();
  expect(metrics.fullNow).toBe(1);
});
