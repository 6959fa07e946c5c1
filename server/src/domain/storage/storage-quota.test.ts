import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { ExecutionBench, organisationId } from '../../../test/executions/execution-bench.ts';
import { openGate, testNodeTypes, worked } from '../../../test/executions/node-types.ts';
import { sketch } from '../../../test/executions/sketch.ts';
import { fillStorage } from '../../../test/fill-storage.ts';
import { until } from '../../../test/until.ts';
import { controlNodes } from '../nodes/index.ts';
import { storageCeiling, storageQuotas } from '../organisation/plan.ts';
import { StorageQuota } from './storage-quota.ts';

const quotaBytes = storageQuotas.free;

let bench: ExecutionBench;
let quota: StorageQuota;
beforeAll(async () => {
  bench = await ExecutionBench.start([...controlNodes, ...testNodeTypes]);
  await sql(
    `insert into organisation (id, name, plan, created_at, updated_at) values (?, 'One', 'free', now(), now())`,
    organisationId,
  );
});
beforeEach(() => {
  quota = new StorageQuota(bench.database.orm);
});
afterEach(async () => {
  worked.length = 0;
  jest.restoreAllMocks();
  await fill(0);
});
afterAll(() => bench.stop());

const sql = (text: string, ...values: unknown[]): Promise<unknown> =>
  bench.database.orm.em.fork().execute(text, values);
const fill = (bytes: number): Promise<void> => fillStorage(bench.database.orm.em, organisationId, bytes);
const used = async (): Promise<number> => {
  const columns = 'inputs + outputs + events + logs + submissions + kv + workflows + deliveries + other';
  const [row] = (await sql(
    `select (coalesce((select sum(${columns}) from storage_usage where organisation_id = ?), 0)
       + coalesce((select sum(${columns}) from storage_change where organisation_id = ?), 0))::float8 as bytes`,
    organisationId,
    organisationId,
  )) as { bytes: number }[];
  return row!.bytes;
};
/** All in all. */
const fillTo = async (bytes: number): Promise<void> => {
  await fill(0);
  await fill(bytes - (await used()));
};
/** The service of executions believes for a second what it has read. */
const seenFull = (): Promise<unknown> =>
  until(() =>
    bench.quota.assertRoom(organisationId).then(
      () => false,
      () => true,
    ),
  );
const full = { code: 'storage_quota_exceeded', details: { used_bytes: quotaBytes, quota_bytes: quotaBytes } };

describe('what would be stored', () => {
  test('is taken up to the last byte of the quota, and refused from then on', async () => {
    await fillTo(quotaBytes - 1);
    await quota.assertRoom(organisationId);
    await fillTo(quotaBytes);
    await expect(quota.assertRoom(organisationId)).rejects.toMatchObject(full);
    await fillTo(quotaBytes - 1);
    await quota.assertRoom(organisationId);
  });

  test('counts in the transaction that stores it, before it is committed', async () => {
    await fillTo(quotaBytes - 100);
    await bench.database.orm.em.fork().transactional(async (em) => {
      await quota.assertRoom(organisationId, em);
      await em.execute(
        `insert into storage_change (organisation_id, id, kv) values (?, nextval('storage_change_id'), 100)`,
        [organisationId],
      );
      await expect(quota.assertRoom(organisationId, em)).rejects.toMatchObject(full);
      await em.execute('delete from storage_change where organisation_id = ? and kv = 100', [organisationId]);
    });
    await quota.assertRoom(organisationId);
  });

  test('is asked about once a second while there is much room', async () => {
    await fillTo(1);
    const reads = jest.spyOn(bench.database.orm.em, 'getConnection');
    for (let index = 0; index < 10; index++) await quota.assertRoom(organisationId);
    expect(reads).toHaveBeenCalledTimes(1);
    await fillTo(quotaBytes);
    const now = Date.now();
    jest.spyOn(Date, 'now').mockReturnValue(now + 1_001);
    await expect(quota.assertRoom(organisationId)).rejects.toMatchObject(full);
  });

  test('is refused in two processes alike', async () => {
    await fillTo(quotaBytes);
    const other = new StorageQuota(bench.database.orm);
    const asked = await Promise.allSettled([quota, other].map((each) => each.assertRoom(organisationId)));
    expect(asked.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  });

  test('is taken for an organisation with a larger plan, and for one that is gone', async () => {
    await fillTo(quotaBytes);
    await sql(`update organisation set plan = 'starter' where id = ?`, organisationId);
    await quota.assertRoom(organisationId);
    await sql(`update organisation set plan = 'free' where id = ?`, organisationId);
    await quota.assertRoom('org_gone');
  });
});

describe('executions', () => {
  const chain = sketch(
    {
      a: { type: 'work', params: { gate: 'room' } },
      b: { type: 'work', on_error: 'continue' },
      c: { type: 'work' },
    },
    ['a -> b', 'b -> c'],
  );

  test('do not start without room', async () => {
    await fillTo(quotaBytes);
    await seenFull();
    await expect(bench.begin(chain)).rejects.toMatchObject(full);
  });

  test('that are under way go on beyond the quota, and end in words at the ceiling, whatever would catch a failure', async () => {
    const { id } = await bench.begin(chain);
    await until(() => worked.length > 0);
    await fillTo(quotaBytes + 1);
    expect(bench.quota.excess(organisationId)).toBeUndefined();
    await fillTo(Math.ceil(quotaBytes * storageCeiling));
    await until(() => bench.quota.excess(organisationId));
    openGate('room');
    const ended = await bench.ended(id);
    expect(ended.status).toBe('failed');
    expect(ended.error).toMatchObject({
      code: 'storage_quota_exceeded',
      node_id: null,
      message: expect.stringContaining(
        'more than 1.1 times the 1 GiB that its plan allows, so executions under way end',
      ),
    });
    expect(await bench.steps(id)).toEqual({ a: 'completed' });
  });

  test('that call others without room for them fail at the call', async () => {
    const called = bench.publish(sketch({ x: { type: 'work' } }, []));
    const calling = sketch(
      {
        wait: { type: 'work', params: { gate: 'call' } },
        call: { type: 'workflow.call', params: { workflow_id: called } },
      },
      ['wait -> call'],
    );
    const { id } = await bench.begin(calling);
    await until(() => worked.length > 0);
    await fillTo(quotaBytes);
    await seenFull();
    openGate('call');
    expect(await bench.ended(id)).toMatchObject({
      status: 'failed',
      error: { code: 'storage_quota_exceeded', node_id: 'call' },
    });
  });
});
