import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { EntityManager } from '@mikro-orm/postgresql';
import { createTestDatabase, type TestDatabase } from '../../../test/database.ts';
import { RecordedLoops } from '../../../test/recorded-loops.ts';
import { MasterKeySealer } from '../../platform/crypto/master-key-sealer.ts';
import { AddressPolicy } from '../../platform/outgoing/address-policy.ts';
import { QuickJsSandbox } from '../../platform/sandbox/quickjs-sandbox.ts';
import type { Caller } from '../caller.ts';
import { ValidationFailedError } from '../domain-error.ts';
import { DomainEvents } from '../event/domain-events.ts';
import { GroupService } from '../group/group.service.ts';
import { newId } from '../id.ts';
import { testNodeTypes } from '../nodes/testing/node-services.ts';
import { Organisation } from '../organisation/organisation.entity.ts';
import { CredentialService } from '../vault/credential.service.ts';
import { SecretService } from '../vault/secret.service.ts';
import { Vault } from '../vault/vault.ts';
import { WorkflowService } from './workflow.service.ts';
import { StorageQuota } from '../storage/storage-quota.ts';

const sealer = new MasterKeySealer([{ id: 'test', key: Buffer.alloc(32, 7) }]);
const sandbox = new QuickJsSandbox();
let database: TestDatabase;
let caller: Caller;

beforeAll(async () => {
  database = await createTestDatabase();
  const em = database.orm.em.fork();
  caller = { organisationId: newId('org'), scopes: [] };
  em.create(Organisation, { id: caller.organisationId, name: 'Acme', plan: 'pro' });
  await em.flush();
});
afterAll(async () => {
  await sandbox.stop();
  await database.drop();
});

const fork = (): EntityManager => database.orm.em.fork();
const credentials = (): CredentialService => new CredentialService(fork(), sealer, new AddressPolicy([]));

function workflows(): WorkflowService {
  const em = fork();
  const events = new DomainEvents(database.orm, new RecordedLoops());
  return new WorkflowService(
    em,
    testNodeTypes(),
    sandbox,
    events,
    new GroupService(em),
    new Vault(database.orm, sealer),
    new StorageQuota(database.orm),
  );
}

/** Until the work has ended, or waits for another transaction. */
async function endedOrWaiting(work: Promise<unknown>): Promise<void> {
  const state = { ended: false };
  const end = (): void => void (state.ended = true);
  work.then(end, end);
  while (!state.ended) {
    const waiting = await fork().execute(
      `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    );
    if (waiting.length > 0) return;
  }
}

/** Publishes what names both while `remove` is at the point of letting go; answers the problems of the draft. */
async function publishedDuring(
  remove: (meanwhile: () => Promise<void>) => Promise<void>,
  name: string,
): Promise<unknown> {
  const params = { url: 'https://a.test', headers: { A: `{{ secrets.${name} }}` }, auth: { credential: name } };
  const definition = { nodes: [{ id: 'call', type: 'http.request', params }], edges: [] };
  const { id } = await workflows().create(caller, { name, definition });
  let publishing: Promise<unknown> | undefined;
  await remove(async () => {
    publishing = workflows()
      .publish(caller, id)
      .then(
        () => 'published',
        (error: unknown) => error,
      );
    await endedOrWaiting(publishing);
  });
  const outcome = await publishing;
  return outcome instanceof ValidationFailedError ? outcome.details.errors : outcome;
}

test('a workflow that is published while its secret goes is told that there is none', async () => {
  const { organisationId } = caller;
  await new SecretService(fork(), sealer).create(organisationId, { name: 'A', value: 'a value' });
  await credentials().create(organisationId, {
    name: 'A',
    values: { type: 'bearer', token: 'token' },
  });
  const problems = await publishedDuring(
    (meanwhile) => new SecretService(fork(), sealer).delete(organisationId, 'A', meanwhile),
    'A',
  );
  expect(problems).toMatchObject([{ message: expect.stringContaining('names the secret A, and there is none') }]);
});

test('a workflow that is published while its credential goes is told that there is none', async () => {
  const { organisationId } = caller;
  await new SecretService(fork(), sealer).create(organisationId, { name: 'B', value: 'a value' });
  const credential = await credentials().create(organisationId, {
    name: 'B',
    values: { type: 'bearer', token: 'token' },
  });
  const problems = await publishedDuring(
    (meanwhile) => credentials().delete(organisationId, credential.id, meanwhile),
    'B',
  );
  expect(problems).toMatchObject([{ message: expect.stringContaining('names the credential B, and there is none') }]);
});
