import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { models } from '#sdk';
import { plans, resourceLimits, storageQuotas } from '../../server/src/domain/organisation/plan.ts';
import { importOnce } from '../../server/test/import-once.ts';
import { fillStatement } from '../../server/test/fill-storage.ts';
import { until } from '../../server/test/until.ts';
import { type CallOptions, useContractHarness } from '../harness/contract-harness.ts';
import { execution, FAILING, publishedWorkflow, QUICK, SLOW, stored, trigger, webhook } from '../harness/resources.ts';
import { ANSWERS, publishedForm } from '../harness/tags/forms.ts';

const harness = useContractHarness();
const { PageTickets } = await importOnce<typeof import('../../server/src/pages/page-tickets.ts')>(
  new URL('../../server/src/pages/page-tickets.ts', import.meta.url),
);

const sqlToFill = fillStatement.replace('?', '$1').replace('?', '$2');

const aNode = (id: string, message = 'x'): object => ({ id, type: 'log', params: { level: 'info', message } });

/** Lets the organisation of the administrator store so much. */
async function fill(bytes: number): Promise<void> {
  const { organisationId } = harness().server.admin;
  await harness().server.sql(sqlToFill, [organisationId, bytes]);
}

async function usage(apiKey?: string): Promise<models.Usage> {
  return (await harness().call('getUsage', { apiKey })).body.data;
}

describe('what is used', () => {
  test('is shown with what the plan allows', async () => {
    const { apiKey } = await harness().server.createOrganisation('free');
    const before = await usage(apiKey);
    expect(before).toMatchObject({
      plan: 'free',
      storage: { used_bytes: 0, limit_bytes: storageQuotas.free },
      requests: { minute: { used: 1, limit: 60 }, day: { used: 1, limit: 1_000 } },
      executions: { pending: 0, running: 0, waiting: 0, paused: 0, concurrency_limit: 10, retention_days: 7 },
      live_connections: { used: 0, limit: 10 },
      api_keys: { used: 1, limit: 10 },
      resources: { workflows: { used: 0, limit: 100 }, kv_entries: { used: 0, limit: 10_000 } },
      versions_per_workflow: 50,
    });
    const sdk = harness().sdk({ apiKey });
    const { id } = await sdk.workflows.create({ name: 'Slow', definition: SLOW });
    await sdk.workflows.publish(id, {});
    await sdk.workflows.execute(id, { input: {} });
    await sdk.kv.set('key', { value: 'x'.repeat(1_000) });
    const after = await until(async () => {
      const seen = await sdk.usage.get();
      return seen.executions.waiting === 1 && seen;
    });
    expect(after.storage.by_kind.kv).toBeGreaterThan(1_000);
    expect(after.storage.by_kind.workflows).toBeGreaterThan(500);
    expect(after.storage.by_kind.inputs).toBeGreaterThan(0);
    expect(after.storage.used_bytes).toBe(Object.values(after.storage.by_kind).reduce((sum, bytes) => sum + bytes, 0));
    expect(after.resources).toMatchObject({ workflows: { used: 1 }, kv_entries: { used: 1 }, forms: { used: 0 } });
    expect(after.requests.day.used).toBeGreaterThan(5);
    expect(Date.parse(after.requests.day.resets_at) % 86_400_000).toBe(0);
  });

  test('falls at once by what is deleted', async () => {
    const sdk = harness().sdk({ apiKey: (await harness().server.createOrganisation()).apiKey });
    const { id } = await sdk.workflows.create({ name: 'Quick', definition: QUICK });
    await sdk.workflows.publish(id, {});
    const execution = await sdk.workflows.execute(id, { input: { n: 1 }, wait: '10s' });
    await sdk.kv.set('key', { value: 'x'.repeat(1_000) });
    const before = (await sdk.usage.get()).storage.by_kind;
    for (const kind of ['inputs', 'outputs', 'events', 'logs', 'kv', 'workflows'] as const)
      expect([kind, before[kind]]).toEqual([kind, expect.any(Number)]);
    await sdk.executions.delete(execution.id);
    await sdk.kv.delete('key');
    await sdk.workflows.delete(id);
    const { by_kind: after } = (await sdk.usage.get()).storage;
    expect(after).toMatchObject({ inputs: 0, outputs: 0, events: 0, logs: 0, kv: 0 });
    // The definition that the execution ran goes within days.
    expect(after.workflows).toBeLessThan(before.workflows);
  });

  test('is none of what other organisations use', async () => {
    await stored(harness(), 'ours');
    const { apiKey } = await harness().server.createOrganisation();
    expect((await usage(apiKey)).storage.used_bytes).toBe(0);
  });
});

describe('at the quota of storage', () => {
  const requests: Record<string, CallOptions> = {};
  const allowed: Record<string, CallOptions> = {};
  const larger = { ...QUICK, output: { answer: 'x'.repeat(1_000) } };
  let hookUrl = '';
  let form: Awaited<ReturnType<typeof publishedForm>>;
  let formUrl = '';

  beforeAll(async () => {
    const quick = { workflow_id: await publishedWorkflow(harness()) };
    const changed = { workflow_id: await publishedWorkflow(harness()) };
    const draft = { ...QUICK, output: { other: 1 } };
    await harness().call('updateWorkflow', { path: changed, json: { definition: draft } });
    const failed = { execution_id: await execution(harness(), FAILING, {}) };
    const list = { key: await stored(harness(), ['a']) };
    const large = { key: await stored(harness(), 'large') };
    form = await publishedForm(harness());
    const config = { kind: 'webhook', auth: { type: 'none' }, respond: 'immediately' };
    const hook = await trigger(harness(), config, {}, FAILING);
    hookUrl = (await harness().call('getTrigger', { path: { trigger_id: hook } })).body.data.url;
    formUrl = `${harness().server.url}/f/${(await harness().call('getForm', { path: form })).body.data.slug}`;
    Object.assign(requests, {
      executeWorkflow: { path: quick, json: { input: { n: 1 } } },
      executeTrigger: { path: { trigger_id: await trigger(harness(), { kind: 'manual' }) }, json: { input: { n: 1 } } },
      retryExecution: { path: failed, json: {} },
      replayExecution: { path: failed, json: {} },
      bulkRetryExecutions: { json: { execution_ids: [failed.execution_id] } },
      submitForm: { path: form, json: { data: ANSWERS } },
      setKvEntry: { path: { key: 'new_one' }, json: { value: 1 } },
      appendToKvEntry: { path: list, json: { item: 'b' } },
      createWorkflow: { json: { name: 'One more' } },
      importWorkflow: { json: { name: 'One more', definition: QUICK } },
      publishWorkflow: { path: changed, json: {} },
      updateWorkflow: { path: quick, json: { definition: larger } },
      addWorkflowNode: { path: quick, json: aNode('more') },
      replaceWorkflowNode: { path: { ...quick, node_id: 'say' }, json: aNode('say', 'x'.repeat(100)) },
      addWorkflowEdge: { path: quick, json: { id: 'e2', from: 'say', to: 'double', port: 'default' } },
      replaceWorkflowEdge: {
        path: { ...quick, edge_id: 'e1' },
        json: { id: 'a_longer_id', from: 'double', to: 'say', port: 'default' },
      },
      testWebhook: {
        path: {
          webhook_id: await webhook(harness(), { name: 'W', url: 'http://127.0.0.1:9/', events: ['form.submitted'] }),
        },
        json: {},
      },
    });
    Object.assign(allowed, {
      setKvEntry: { path: large, json: { value: 1 } },
      updateWorkflow: { path: quick, json: { name: 'Renamed', definition: { ...QUICK, output: 1 } } },
      deleteWorkflowNode: { path: { ...quick, node_id: 'say' } },
      getKvEntry: { path: large },
      getExecution: { path: failed },
      getWorkflow: { path: quick },
      getUsage: {},
      bulkCancelExecutions: { json: { execution_ids: [failed.execution_id] } },
      deleteKvEntry: { path: list },
      deleteExecution: { path: failed },
      deleteWorkflow: { path: changed },
      deleteForm: { path: form },
    });
    await fill(storageQuotas.business);
    // What was read a moment ago is believed for a second. Each of these stores more, so that one is refused in the end.
    await until(async () => (await harness().call('appendToKvEntry', requests['appendToKvEntry'])).status === 409);
  });
  afterAll(() => fill(0));

  test.each([
    'executeWorkflow',
    'executeTrigger',
    'retryExecution',
    'replayExecution',
    'bulkRetryExecutions',
    'setKvEntry',
    'appendToKvEntry',
    'createWorkflow',
    'importWorkflow',
    'publishWorkflow',
    'updateWorkflow',
    'addWorkflowNode',
    'replaceWorkflowNode',
    'addWorkflowEdge',
    'replaceWorkflowEdge',
    'testWebhook',
  ])('409: %s is refused, in words and with the figures', async (operation) => {
    const { body } = await harness().refused(operation, requests[operation]!, 409, 'storage_quota_exceeded');
    expect(body.error.details.quota_bytes).toBe(storageQuotas.business);
    expect(body.error.details.used_bytes).toBeGreaterThanOrEqual(storageQuotas.business);
    expect(body.error.message).toMatch(
      /^The storage quota is used up: the organisation stores .*TiB, and its plan allows 1 TiB\. Delete executions/,
    );
  });

  test('409: a submission is refused, and its sender learns no figures', async () => {
    const given = { ...requests['submitForm'], apiKey: null };
    const { body } = await harness().refused('submitForm', given, 409, 'storage_quota_exceeded');
    expect(body.error.details).toEqual({});
    expect(body.error.message).not.toMatch(/\d/);
  });

  test('409: so is a request to an inbound URL, and whoever fills in the page of a form is told', async () => {
    const answer = await fetch(hookUrl, {
      method: 'POST',
      body: '{}',
      headers: { 'content-type': 'application/json' },
    });
    expect(answer.status).toBe(409);
    expect(await answer.json()).toMatchObject({ error: { code: 'storage_quota_exceeded', details: {} } });
    const tickets = harness().server.app.get(PageTickets);
    const _ticket = tickets.issue(form.form_id, Date.now() - 60_000);
    const sent = await fetch(formUrl, { method: 'POST', body: new URLSearchParams({ ...ANSWERS, _ticket }) });
    expect(sent.status).toBe(409);
    expect(await sent.text()).toContain('This form takes no answers at the moment');
  });

  test.each([
    'getKvEntry',
    'getExecution',
    'getWorkflow',
    'getUsage',
    'setKvEntry',
    'updateWorkflow',
    'deleteWorkflowNode',
    'bulkCancelExecutions',
    'deleteKvEntry',
    'deleteExecution',
    'deleteWorkflow',
    'deleteForm',
  ])('%s works: what is read, shrinks or is deleted is not refused', async (operation) => {
    expect((await harness().call(operation, allowed[operation])).status).toBeLessThan(300);
  });

  test('requests at once go beyond the quota by no more than they carry', async () => {
    const { apiKey, organisationId } = await harness().server.createOrganisation('free');
    await harness().server.sql(sqlToFill, [organisationId, storageQuotas.free - 1_500]);
    const value = 'x'.repeat(1_000);
    const set = (key: string): Promise<{ status: number }> =>
      harness().call('setKvEntry', { path: { key }, json: { value }, apiKey });
    const burst = await Promise.all(Array.from({ length: 20 }, (_, index) => set(`burst_${index}`)));
    const taken = burst.filter(({ status }) => status === 200).length;
    expect(taken).toBeGreaterThan(0);
    expect(burst.filter(({ status }) => status === 409)).toHaveLength(burst.length - taken);
    const { storage } = await usage(apiKey);
    expect(storage.by_kind.kv).toBeLessThan(taken * 2_000);
    expect((await set('one_more')).status).toBe(409);
    for (let index = 0; index < 20; index++)
      if (burst[index]!.status === 200)
        await harness().call('deleteKvEntry', { path: { key: `burst_${index}` }, apiKey });
    expect((await set('one_more')).status).toBe(200);
  });

  test('what was refused is taken when there is room again', async () => {
    await fill(0);
    expect((await harness().call('setKvEntry', requests['setKvEntry'])).status).toBe(200);
    expect((await harness().call('executeWorkflow', requests['executeWorkflow'])).status).toBe(202);
  });
});

describe('of what there is a limited number', () => {
  const made: Record<string, (n: string) => string> = {
    workflow: (n) => `select 'wf_' || ${n}, $1, 'W', 'draft', '{}'::text[], '{}'::jsonb, 'h', 0, 1, now(), now()`,
    trigger: (n) => `select 'trig_' || ${n}, $1, 'wf', 'T', 'manual', true, '{}'::jsonb, now(), now()`,
    form: (n) =>
      `select 'form_' || ${n}, $1, 'F', 'F', 'slug-' || ${n}, 'draft', '[]'::jsonb, '{}'::jsonb, 1, now(), now()`,
    channel: (n) =>
      `select 'chan_' || ${n}, $1, 'C', 'http', 'slug-' || ${n}, 'token', '', '', true, '[]'::jsonb, '[]'::jsonb, now(), now()`,
  };
  const columns: Record<string, string> = {
    workflow:
      'id, organisation_id, name, status, tags, definition, definition_hash, node_count, revision, created_at, updated_at',
    trigger: 'id, organisation_id, workflow_id, name, kind, enabled, config, created_at, updated_at',
    form: 'id, organisation_id, name, title, slug, status, fields, settings, revision, created_at, updated_at',
    channel:
      'id, organisation_id, name, kind, slug, auth_mode, token_hash, token_prefix, enabled, routes, tools, created_at, updated_at',
  };

  test.each([
    ['workflows', 'workflow', 'createWorkflow', { name: 'One' }],
    ['triggers', 'trigger', 'createTrigger', { name: 'One', config: { kind: 'manual' } }],
    ['triggers', 'trigger', 'createSchedule', { name: 'One', interval: '1d' }],
    ['forms', 'form', 'createForm', { name: 'One' }],
    ['channels', 'channel', 'createChannel', { name: 'One', kind: 'http' }],
  ] as const)(
    '400: no more %s than the plan allows, also when many are made at once (%s, %s)',
    async (resource, table, operation, json) => {
      const { apiKey, organisationId } = await harness().server.createOrganisation('free');
      const workflow_id = (await harness().call('createWorkflow', { json: { name: 'W' }, apiKey })).body.data.id;
      const there = resource === 'workflows' ? 1 : 0;
      const n = `$1::text || number::text`;
      await harness().server.sql(
        `insert into ${table} (${columns[table]}) ${made[table]!(n)} from generate_series(1, ${resourceLimits.free[resource] - 1 - there}) number`,
        [organisationId],
      );
      const needs = operation === 'createTrigger' || operation === 'createSchedule';
      const given = { json: { ...json, ...(needs && { workflow_id }) }, apiKey };
      const answers = await Promise.all(Array.from({ length: 4 }, () => harness().call(operation, given)));
      expect(answers.map(({ status }) => status).toSorted()).toEqual([201, 400, 400, 400]);
      const { body } = await harness().refused(operation, given, 400, 'validation_error');
      expect(body.error.message).toBe(`There are too many ${resource}.`);
      expect((await usage(apiKey)).resources[resource]).toEqual({
        used: resourceLimits.free[resource],
        limit: resourceLimits.free[resource],
      });
    },
  );

  test('the oldest bulk job that has ended makes room; 400: none does while all are under way', async () => {
    const { apiKey, organisationId } = await harness().server.createOrganisation('free');
    const limit = resourceLimits.free.bulk_jobs;
    await harness().server.sql(
      `insert into bulk_job (id, organisation_id, action, status, total, succeeded, failed, started_by_type, started_by_id, created_at, completed_at)
       select 'job_' || $1 || number, $1, 'cancel', 'completed', 1, 1, 0, 'user', 'u', now(), now() + number * interval '1 second'
         from generate_series(1, ${limit}) number`,
      [organisationId],
    );
    const given = { json: { execution_ids: ['exec_of_nobody'] }, apiKey };
    expect((await harness().call('bulkCancelExecutions', given)).status).toBe(202);
    const left = await harness().server.sql<{ id: string }>('select id from bulk_job where organisation_id = $1', [
      organisationId,
    ]);
    expect(left).toHaveLength(limit);
    expect(left).not.toContainEqual({ id: `job_${organisationId}1` });
    // With so many items that none ends meanwhile: jobs take turns, ten items at a time.
    await harness().server.sql(
      `with job as (
         update bulk_job set completed_at = null, worked_at = now(), total = total + 100 where organisation_id = $1 returning id)
       insert into bulk_job_item (job_id, position, organisation_id, execution_id, status)
         select id, 1000 + number, $1, 'exec_of_nobody', 'pending' from job, generate_series(1, 100) number`,
      [organisationId],
    );
    const { body } = await harness().refused('bulkCancelExecutions', given, 400, 'validation_error');
    expect(body.error.message).toBe('There are too many bulk jobs.');
    for (const table of ['bulk_job_item', 'bulk_job'])
      await harness().server.sql(`delete from ${table} where organisation_id = $1`, [organisationId]);
  });

  test('a workflow keeps its newest versions; executions of those that were removed are retried and replayed', async () => {
    const execution_id = await execution(harness(), FAILING, {});
    const { workflow_id } = (await harness().call('getExecution', { path: { execution_id } })).body.data;
    const limit = resourceLimits.business.workflow_versions;
    await harness().server.sql(
      `insert into workflow_version (id, organisation_id, workflow_id, version, definition, definition_hash, node_count, published_at)
       select left(id, -6) || 'zzz' || lpad(number::text, 3, '0'), organisation_id, workflow_id, number, definition, definition_hash, node_count, published_at
         from workflow_version, generate_series(2, ${limit}) number where workflow_id = $1`,
      [workflow_id],
    );
    await harness().server.sql('update workflow set published_version = $2 where id = $1', [workflow_id, limit]);
    await harness().call('updateWorkflow', { path: { workflow_id }, json: { definition: QUICK } });
    const { body } = await harness().call('publishWorkflow', { path: { workflow_id }, json: {} });
    expect(body.data.version).toBe(limit + 1);
    const versions = await harness().call('listWorkflowVersions', { path: { workflow_id } });
    expect(versions.body.pagination.total_count).toBe(limit);
    await harness().refused('getWorkflowVersion', { path: { workflow_id, version: '1' } }, 404, 'resource_not_found');
    for (const operation of ['retryExecution', 'replayExecution']) {
      const again = await harness().call(operation, { path: { execution_id }, json: {} });
      expect(again.body.data).toMatchObject({ workflow_version: 1 });
    }
  });

  test('larger plans allow no less', () => {
    expect(plans.length).toBeGreaterThan(1);
    for (const [index, plan] of plans.entries()) {
      const smaller = plans[index - 1];
      for (const [resource, limit] of Object.entries(resourceLimits[plan]))
        if (smaller) expect(limit).toBeGreaterThanOrEqual(resourceLimits[smaller][resource as 'forms']);
      if (smaller) expect(storageQuotas[plan]).toBeGreaterThan(storageQuotas[smaller]);
    }
  });
});
