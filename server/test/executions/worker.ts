import { appendFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { EntityManager } from '@mikro-orm/postgresql';
import { CompiledQuery, type Transaction } from 'kysely';
import { DbosEngine } from '../../src/platform/engine/dbos-engine.ts';
import { createOrm } from '../../src/platform/database/orm.ts';
import { PostgresLiveChannel } from '../../src/platform/live/postgres-live-channel.ts';
import { DomainError, type Json } from '../../src/domain/domain-error.ts';
import { type Failpoint, onFailpoint } from '../../src/domain/failpoints.ts';
import { isPassing } from '../../src/domain/passing-error.ts';
import { Evaluator, Sandbox, type SandboxOutcome, type WorkflowDefinition } from '../../src/domain/language/index.ts';
import { NodeRegistry } from '../../src/domain/nodes/node-registry.ts';
import { derivedId } from '../../src/domain/id.ts';
import { controlNodes } from '../../src/domain/nodes/index.ts';
import { EngineUnavailableError, WaitClosedError } from '../../src/domain/execution/execution.errors.ts';
import { ExecutionWait } from '../../src/domain/execution/execution-wait.entity.ts';
import { ExecutionWaits } from '../../src/domain/execution/execution-waits.ts';
import { DefinitionStore } from '../../src/domain/execution/definition-store.ts';
import { WaitReconciler } from '../../src/domain/execution/wait-reconciler.ts';
import { ExecutionRecorder } from '../../src/domain/execution/execution-recorder.ts';
import { ExecutionControl } from '../../src/domain/execution/execution-control.ts';
import { Execution, type ExecutionStatus } from '../../src/domain/execution/execution.entity.ts';
import { graphBody, GraphRunner } from '../../src/domain/execution/interpreter/graph-runner.ts';
import { NodeFailure } from '../../src/domain/nodes/node-type.ts';
import { nodeType, testNodeTypes } from './node-types.ts';

/**
 * A server process reduced to its engine, for tests that kill it: `node worker.ts <database url> <journal file>`. It runs
 * on Node alone, so it has no sandbox: its workflows use plain paths. Over IPC it takes `{ begin: definition, count }`,
 * answers `{ begun: ids }`, and takes what `Message` lists. With SUSPEND_SOON runs are suspended over waits of 400 ms.
 */
const [url, journal] = process.argv.slice(2) as [string, string];

/** Writes down when it begins and ends, so that the test sees what ran twice. */
const journaled = nodeType('journaled', function* ({ ms = 0 }) {
  const output = yield {
    kind: 'step',
    key: 'work',
    run: async ({ idempotencyKey, signal }) => {
      signal.addEventListener('abort', () =>
        appendFileSync(journal, `stop ${idempotencyKey} ${process.pid} ${Date.now()}\n`),
      );
      appendFileSync(journal, `begin ${idempotencyKey} ${process.pid} ${Date.now()}\n`);
      await sleep(ms as number);
      appendFileSync(journal, `end ${idempotencyKey} ${process.pid} ${Date.now()}\n`);
      return idempotencyKey;
    },
  };
  return { output };
});

/** Tells the receiver, which counts by idempotency key and refuses when `x-refuse` says how many attempts fail. */
const effect = nodeType('effect', function* ({ refuse = 0, ms = 0 }) {
  const output = yield {
    kind: 'step',
    key: 'effect',
    run: async ({ idempotencyKey, signal }) => {
      const headers = { 'idempotency-key': idempotencyKey, 'x-refuse': String(refuse), 'x-began': String(Date.now()) };
      await sleep(ms as number, undefined, { signal });
      const { status } = await fetch(process.env.RECEIVER_URL!, { method: 'POST', headers });
      if (status !== 200) throw new NodeFailure('refused', `The receiver answered ${status}.`);
      return idempotencyKey;
    },
  };
  return { output };
});

/** Calls the workflow whose definition has that hash. */
const called = nodeType('called', function* ({ hash, input = {} }) {
  const answer = (yield {
    kind: 'call',
    workflowId: hash as string,
    input: input as Record<string, Json>,
    wait: true,
  }) as unknown as { output: Json };
  return { output: answer.output };
});

/** Read by the test as what a reconciler had to mend. */
function mended(message: string): void {
  process.stdout.write(`${message}\n`);
}

class NoSandbox extends Sandbox {
  run(): Promise<SandboxOutcome[]> {
    throw new Error('Workflows of this test use plain paths only.');
  }
}

const orm = await createOrm({ url });
const live = new PostgresLiveChannel(url);
const recorder = new ExecutionRecorder({ orm, live });
const definitions = new DefinitionStore(orm);
const evaluator = new Evaluator(new NoSandbox());
const limit = process.env.TENANT_LIMIT;
const engine = new DbosEngine({
  orm,
  url,
  standstill: 1_500,
  log: {
    debug: () => undefined,
    warn: (message) => {
      if (message.startsWith('Suspended runs')) mended(message);
    },
    error: (message, error) => process.stderr.write(`${message} ${String(error)}\n`),
  },
  ...(limit !== undefined && { limitOf: async () => Number(limit) }),
});
const waits = new ExecutionWaits(orm, engine);
const runner = new GraphRunner({
  orm,
  definitions,
  recorder,
  live,
  evaluator,
  nodeTypes: new NodeRegistry([...controlNodes, ...testNodeTypes, journaled, effect, called]),
  engine,
  waits,
  // The services behind this have decorators, which Node alone does not run.
  children: { start: beginCalled, result: answerOf, cancel: async () => null },
  publicUrl: { of: (path) => path },
  ...(process.env.SUSPEND_SOON && { suspensionTimes: { longWait: 400, patience: 50 } }),
  fault: (message, error) => process.stderr.write(`${message} ${String(error)}\n`),
});
engine.register(graphBody, (context, input) => runner.run(context, input));
await live.start();
await engine.start();
const reconciler = new WaitReconciler({
  orm,
  engine,
  warn: (message) => mended(message),
});
const reconciling = setInterval(() => void reconciler.round().catch(() => undefined), 1_000);

const organisationId = 'org_test';

interface Start {
  definitionHash: string;
  input: Json;
  id?: string;
  parentExecutionId?: string;
  concurrency?: number;
  workflowId?: string;
}

async function accept(em: EntityManager, { concurrency, ...start }: Start): Promise<string> {
  const execution = Execution.create({
    organisationId,
    workflowId: 'wf_test',
    workflowVersion: 1,
    metadata: {},
    trigger: {},
    startedBy: { type: 'api_key', id: 'key_test' },
    ...start,
  });
  em.persist(execution);
  await em.flush();
  const { workflowId, workflowVersion, definitionHash, input, createdAt } = execution;
  const given = { organisationId, workflowId, workflowVersion, definitionHash, input, trigger: {} };
  const { parentExecutionId } = start;
  const runInput = { ...given, acceptedAt: createdAt.toISOString(), ...(parentExecutionId && { parentExecutionId }) };
  await engine.submit(
    [
      {
        runId: execution.id,
        body: graphBody,
        input: runInput,
        tenant: organisationId,
        group: { id: workflowId, concurrency },
      },
    ],
    em,
  );
  return execution.id;
}

async function begin(definition: WorkflowDefinition, input: Json, workflowId: string): Promise<string> {
  return orm.em.fork().transactional(async (em) => {
    const definitionHash = await definitions.keep(organisationId, definition, em);
    return accept(em, { definitionHash, input, workflowId, concurrency: definition.settings?.concurrency });
  });
}

let approving: Promise<void> | undefined;
const approved = (): void => (approving = undefined);

async function approveAll(): Promise<void> {
  const waiting = await orm.em.fork().find(ExecutionWait, { kind: 'approval', status: 'pending' }, { limit: 50 });
  for (const { id } of waiting) {
    const decision = { status: 'approved' as const, decidedBy: 'user_test' };
    await orm.em
      .fork()
      .transactional(async (em) => waits.answer(await em.findOneOrFail(ExecutionWait, { id }), decision, em))
      .catch((error: unknown) => {
        // Another worker was faster.
        if (!(error instanceof WaitClosedError)) throw error;
      });
  }
}

/** Workflows are named by the hash of their definition, which an execution of them has kept. */
async function beginCalled(
  parentExecutionId: string,
  call: { workflowId: string; input: Json },
  key: string,
): Promise<string> {
  const id = derivedId('exec', key);
  return orm.em.fork().transactional(async (em) => {
    if (await em.count(Execution, { id })) return id;
    return accept(em, { definitionHash: call.workflowId, input: call.input, id, parentExecutionId });
  });
}

async function answerOf(_: string, id: string): Promise<Json> {
  const { status, output = null } = await orm.em.fork().findOneOrFail(Execution, { id });
  return { execution_id: id, status, output, error: null };
}

/** Executions in one of the states, of the workflow `wf_...`, a few. */
const some = (workflowId: string, statuses: ExecutionStatus[]): Promise<Execution[]> =>
  orm.em.fork().find(Execution, { workflowId, status: { $in: statuses } }, { limit: 5, orderBy: { id: 'desc' } });

/** Another worker may have been faster, or the execution itself. */
async function onEach(executions: Execution[], work: (id: string) => Promise<unknown>): Promise<void> {
  for (const { id } of executions)
    await work(id).catch((error: unknown) => {
      if (!(error instanceof DomainError)) throw error;
    });
}

const control = (): ExecutionControl =>
  new ExecutionControl({
    em: orm.em.fork(),
    engine,
    live,
    metrics: { executionEnded: () => undefined },
    events: {
      emitBy: async (em, statement, values) => {
        await em.getTransactionContext<Transaction<unknown>>()!.executeQuery(CompiledQuery.raw(statement, values));
      },
    },
  });

interface Message {
  begin?: WorkflowDefinition;
  count?: number;
  workflowId?: string;
  approve?: boolean;
  cancel?: string;
  pause?: string;
  resume?: string;
  /** Of the workflow with that id: all that are in a state for it, a few at a time. */
  cancelSome?: string;
  pauseSome?: string;
  resumeSome?: string;
  arm?: Failpoint | null;
  stop?: number;
}

const open: ExecutionStatus[] = ['pending', 'running', 'waiting'];

async function obey(message: Message): Promise<void> {
  // One at a time; what fails, because the database is away, is asked for again.
  if (message.approve) approving ??= approveAll().then(approved, approved);
  if (message.begin) {
    const { begin: definition, count = 1, workflowId = 'wf_test' } = message;
    const begun: string[] = [];
    // As many at once as there are connections: on a busy machine the others would not get one in time.
    for (let left = count; left > 0; left -= 10) {
      const some = Array.from({ length: Math.min(10, left) }, () => begin(definition, { n: 1 }, workflowId));
      begun.push(...(await Promise.all(some)));
    }
    process.send!({ begun });
  }
  if (message.cancel) await control().cancel(organisationId, message.cancel);
  if (message.pause) await control().pause(organisationId, message.pause);
  if (message.resume) await control().resume(organisationId, message.resume);
  const { cancelSome, pauseSome, resumeSome } = message;
  if (cancelSome)
    await onEach(await some(cancelSome, [...open, 'paused']), (id) => control().cancel(organisationId, id));
  if (pauseSome) await onEach(await some(pauseSome, open), (id) => control().pause(organisationId, id));
  if (resumeSome) await onEach(await some(resumeSome, ['paused']), (id) => control().resume(organisationId, id));
  if (message.arm !== undefined) arm(message.arm);
  if (message.stop === undefined) return;
  clearInterval(reconciling);
  await engine.stop(message.stop);
  await recorder.close();
  await live.stop();
  await orm.close();
  process.disconnect();
}

/** Stands still at the point, once, and says so in the file; whoever reads that decides how it goes on. */
function arm(point: Failpoint | null): void {
  onFailpoint((name) => {
    if (name !== point) return;
    onFailpoint(undefined);
    appendFileSync(process.env.FAILPOINTS!, `${process.pid} ${name}\n`);
    process.kill(process.pid, 'SIGSTOP');
  });
}

process.on('message', (message: Message) => {
  obey(message).catch((error: unknown) => {
    if (!isPassing(error) && !(error instanceof EngineUnavailableError)) throw error;
    process.stderr.write(`${String(error)}\n`);
  });
});
process.send!({ ready: true });
