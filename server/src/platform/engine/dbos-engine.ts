import { AsyncResource } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import { DBOS } from '@dbos-inc/dbos-sdk';
import { currentOwnerXid } from '@dbos-inc/dbos-sdk/internal/context';
import { DBOSExecutor } from '@dbos-inc/dbos-sdk/internal/dbos-executor';
import { DBOSWorkflowConflictError } from '@dbos-inc/dbos-sdk/internal/error';
import type { WorkflowStatusInternal } from '@dbos-inc/dbos-sdk/internal/system_database';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { Pool } from 'pg';
import { isPassing } from '../../domain/passing-error.ts';
import type { Json } from '../../domain/domain-error.ts';
import { bytesOf } from '../../domain/json-size.ts';
import {
  Engine,
  type EngineHealth,
  type Query,
  type RowsBeside,
  RunAbandonedError,
  type RunBody,
  type RunRequest,
  type SuspendedRun,
} from '../../domain/execution/engine.ts';
import { EngineUnavailableError } from '../../domain/execution/execution.errors.ts';
import { Admission } from './admission.ts';
import { advisoryLocks } from '../../domain/advisory-locks.ts';
import { AfterCommit } from '../../domain/after-commit.ts';
import { eventLoop } from '../../domain/tenancy/event-loop-turns.ts';
import { failpoint } from '../../domain/failpoints.ts';
import { watchSlots } from '../../domain/tenancy/shared-resources.ts';
import { dbosLogger, type DbosEngineOptions, type EngineSettings, withDefaults } from './dbos-engine-options.ts';
import { DbosRun } from './dbos-run.ts';
import { forgetRegularly, forgetThose } from './ended-runs.ts';
import { ownEngineSchema } from './engine-schema.ts';
import { openEnginePool } from './engine-pool.ts';
import { ExecutorLock } from './executor-lock.ts';
import { jsonSerializer } from './json-serializer.ts';
import { Line, lineChannel } from './line.ts';
import { MemoryShares } from './memory-shares.ts';
import { oneAtATime } from './one-at-a-time.ts';
import { Places } from './places.ts';
import { Signals } from './signals.ts';
import { RunShares } from './run-shares.ts';
import { RunsAtWork } from './runs-at-work.ts';
import {
  cancelChannel,
  cancelRuns,
  countQueued,
  endedOf,
  queueName,
  requeueOf,
  waitingQueueName,
} from './run-statements.ts';
import { StepLog } from './step-log.ts';
import { insertRuns, noArguments, readInput, type Submission, writeInput } from './submission.ts';
import { Suspensions } from './suspension.ts';
import { clientOf, queryOf, transactionOf } from './transaction-client.ts';

type DbosBody = () => Promise<void>;

/** DBOS hands runs to processes of one version only; ours differ by the name of the body, so the version never changes. */
const applicationVersion = 'flowpact';
/** DBOS insists on parts that a connection string need not have, although it is given its connections. */
const unusedUrl = 'postgresql://unused@unused/unused';
/** Milliseconds without a step being recorded, while some are to be, after which the process is not ready. */
const maxStandstillMs = 30_000;
/** A crash may not be the run's fault, so only a run that takes down process after process is given up. */
const maxRecoveryAttempts = 100;
/** Bytes of memory that a value takes for each of `bytesOf`. */
const memoryOfByte = 3;

/** DBOS is one per process, and so are the functions registered with it; they find the engine that is started now. */
const registered = new Map<string, DbosBody>();
let started: DbosEngine | undefined;

function becomeStarted(engine: DbosEngine): void {
  if (started) throw new Error('This process has an engine already; stop that one first.');
  started = engine;
}

/** The engine on DBOS Transact, inside this process and in the application's own PostgreSQL. */
export class DbosEngine extends Engine {
  readonly executorId = randomUUID();
  readonly #options: EngineSettings;
  readonly #bodies = new Map<string, RunBody>();
  readonly #runs = new RunsAtWork();
  readonly #afterCommit = new AfterCommit();
  readonly #lock: ExecutorLock;
  /** Runs must not inherit the async context of the request that submitted them. */
  readonly #root = new AsyncResource('FlowpactEngine');
  /** Runs that this process has promised to start itself, by token. */
  readonly #direct = new Map<string, string>();
  /** Runs that were promised or handed to this process and are not over. */
  readonly #dispatched: RunShares;
  readonly #memory: MemoryShares;
  #strays = new Set<string>();
  #state: 'new' | 'running' | 'draining' | 'stopped' = 'new';
  #retention: NodeJS.Timeout | undefined;
  #pool: Pool | undefined;
  #admission: Admission | undefined;
  #places: Places | undefined;
  #line: Line | undefined;
  #signals: Signals | undefined;
  #suspensions: Suspensions | undefined;
  #leads = false;
  #steps: StepLog | undefined;

  constructor(options: DbosEngineOptions) {
    super();
    this.#options = withDefaults(options);
    this.#memory = new MemoryShares(this.#options.memoryBytes);
    this.#dispatched = new RunShares(this.#options.works ? this.#options.concurrency : 0);
    // What waits is counted by tenants: their runs wait in the database.
    watchSlots('runs', () => ({ taken: this.#dispatched.used, waiting: this.#line?.tenants ?? 0, oldestMs: 0 }));
    const heard: Record<string, (payload: string) => void> = {
      ...this.#options.channels,
      [cancelChannel]: (runId) => this.#runs.leave(runId, 'The run was cancelled.'),
      [lineChannel]: (tenant) => this.#look(tenant, false),
    };
    this.#lock = new ExecutorLock(options.url, this.executorId, this.#options.standstill, Object.keys(heard), {
      tick: (query) => this.#tick(query),
      heard: (channel, payload) => heard[channel]?.(payload),
      retaken: async () => {
        this.#leads = false;
        await this.#places?.recount();
      },
      warn: (message, error) => this.#options.log.warn(message, error),
    });
  }

  register(body: string, run: RunBody): void {
    if (this.#state !== 'new') throw new Error(`${body} is registered too late; register it before the engine starts.`);
    this.#bodies.set(body, run);
    if (registered.has(body)) return;
    const call: DbosBody = () => {
      if (!started) throw new DBOSWorkflowConflictError(DBOS.workflowID!);
      return started.#run(body, DBOS.workflowID!);
    };
    registered.set(body, DBOS.registerWorkflow(call, { name: body, maxRecoveryAttempts }));
  }

  async start(): Promise<void> {
    becomeStarted(this);
    try {
      this.#options.orm.em.getEventManager().registerSubscriber(this.#afterCommit);
      await this.#lock.take();
      await this.#launch();
    } catch (error) {
      started = undefined;
      await this.#lock.stop();
      await this.#pool?.end();
      throw new Error('The engine could not start.', { cause: error });
    }
    this.#state = 'running';
    this.#lock.watch();
    this.#retention = forgetRegularly(this.#executor().systemDatabase, this.#options);
  }

  async #launch(): Promise<void> {
    const { url, log, works, limitOf, onPool } = this.#options;
    this.#pool = openEnginePool(this.#options);
    onPool(this.#pool);
    DBOS.setConfig({
      name: 'flowpact',
      systemDatabaseUrl: unusedUrl,
      systemDatabasePool: this.#pool,
      applicationVersion,
      serializer: jsonSerializer,
      executorID: this.executorId,
      // Runs are taken up by #line.
      listenQueues: ['none'],
      logger: dbosLogger(log),
    });
    // The first start makes the engine's tables, which two processes cannot do at once.
    await oneAtATime(url, advisoryLocks.engineLaunch, async () => {
      await DBOS.launch();
      for (const statement of ownEngineSchema) await this.#pool!.query(statement);
    });
    const { systemDatabase } = DBOSExecutor.globalInstance!;
    this.#steps = new StepLog(
      this.#pool,
      () => this.#lock.isHeld,
      (message, error) => log.warn(message, error),
      this.#options.batches,
    );
    this.#steps.install(systemDatabase);
    // A run that this process leaves is none of its business any more; DBOS would ask for its outcome every second.
    systemDatabase.awaitWorkflowResult = (runId) => Promise.reject(new RunAbandonedError(runId));
    this.#signals = new Signals(this.#pool, DBOSExecutor.globalInstance!.systemDatabase.notificationsMap);
    const warn = (message: string, error: unknown): void => log.warn(message, error);
    const isHeld = (): boolean => this.#lock.isHeld;
    const shared = { pool: this.#pool, executorId: this.executorId, warn };
    this.#suspensions = new Suspensions({ ...shared, queue: queueName, limitedQueue: waitingQueueName });
    this.#places = new Places({ ...shared, limitOf, isHeld });
    this.#line = new Line({
      ...shared,
      places: this.#places,
      room: (tenant) => (this.#state === 'running' && works ? this.#roomOf(tenant) : undefined),
      start: (runIds, token, tenant) => this.#startClaimed(runIds, token, tenant),
    });
    this.#admission = new Admission({
      ...shared,
      waitingQueue: waitingQueueName,
      queue: queueName,
      active: () => this.#state === 'running',
      admitted: (tenant) => this.#look(tenant, true),
    });
  }

  async submit(runs: readonly RunRequest[], em: EntityManager, rows?: RowsBeside): Promise<void> {
    this.#executor();
    if (this.#state !== 'running') throw new EngineUnavailableError('This process is stopping. Try again in a moment.');
    const transaction = rows && !em.isInTransaction() ? undefined : transactionOf(em);
    const submissions: Submission[] = [];
    try {
      for (const run of runs) submissions.push(await this.#prepare(run));
      const added = await insertRuns(queryOf(em, transaction), submissions, rows);
      if (transaction) failpoint('submit.stored');
      for (const submission of submissions) {
        const begin = (): void => this.#begin(submission);
        if (!added.has(submission.status.workflowUUID)) this.#drop(submission);
        else if (transaction) this.#afterCommit.add(transaction, begin, () => this.#drop(submission));
        else begin();
      }
    } catch (error) {
      for (const submission of submissions) this.#drop(submission);
      throw error;
    }
  }

  async #prepare({ runId, body, input, tenant = '', group }: RunRequest): Promise<Submission> {
    const workflow = registered.get(body);
    if (!workflow) throw new Error(`No body is registered as ${body}.`);
    const isLimited = group?.concurrency !== undefined;
    const status = await this.#executor().prepareEnqueuedWorkflow(workflow, [], {
      workflowID: runId,
      queueName: isLimited ? waitingQueueName : queueName,
      queuePartitionKey: group?.id,
    });
    status.input = writeInput(input);
    status.authenticatedUser = tenant;
    const token = randomUUID();
    if (isLimited) status.attributes = { concurrency: group.concurrency };
    else if (this.#roomOf(tenant) > 0 && !this.#line!.has(tenant) && this.#places!.take(tenant, 1) === 1) {
      // The row says that this process runs it. Should the process die right after the commit, the others take it over.
      status.status = 'PENDING';
      this.#direct.set(token, runId);
      this.#dispatched.add(tenant, 1);
    }
    return { status, token, input };
  }

  /** How many more runs this process takes: those that it has no room for wait in the database, where they take none. */
  #roomOf(tenant: string | undefined): number {
    const slots = this.#dispatched.roomOf(tenant);
    return tenant === undefined ? slots : Math.min(slots, this.#memory.roomOf(tenant));
  }

  /** The run is not stored after all. */
  #drop({ status, token }: Submission): void {
    if (this.#direct.delete(token)) this.#over(status);
  }

  /** The run is stored. */
  #begin({ status, token, input }: Submission): void {
    failpoint('submit.committed');
    if (this.#direct.has(token)) this.#startNow(status, token, input);
    else if (status.attributes) this.#admit(status);
    else this.#look(status.authenticatedUser, true);
  }

  #startNow(status: WorkflowStatusInternal, token: string, input: Json): void {
    this.#root.runInAsyncScope(async () => {
      await this.#dispatch({ ...status, recoveryAttempts: 1 }, token, () => input);
      this.#direct.delete(token);
    });
  }

  async #startClaimed(runIds: readonly string[], token: string, tenant: string): Promise<void> {
    this.#dispatched.add(tenant, runIds.length);
    let statuses: Awaited<ReturnType<DBOSExecutor['systemDatabase']['getWorkflowStatuses']>> | undefined;
    try {
      statuses = await this.#executor().systemDatabase.getWorkflowStatuses([...runIds]);
    } finally {
      // Those that cannot be read stay with this process and are found again by #tick.
      for (const runId of runIds) if (!statuses?.has(runId)) this.#over({ authenticatedUser: tenant });
    }
    const found = runIds.flatMap((runId) => statuses?.get(runId) ?? []);
    // All at once: a run of ours that is not at work here counts as lost.
    await Promise.all(found.map((status) => this.#dispatch(status, token, () => readInput(status))));
  }

  /** Begins a run that is ours and has its place, when there is room for its input; should that fail, #tick finds its row. */
  async #dispatch(status: WorkflowStatusInternal, token: string, input: () => Json): Promise<void> {
    // Not the whole status, whose input may be large.
    const { workflowUUID: runId, authenticatedUser, attributes, queuePartitionKey } = status;
    const run = this.#newRun(runId, token, authenticatedUser);
    const over = (): void => {
      this.#runs.end(run, token);
      this.#over({ authenticatedUser, attributes, queuePartitionKey });
    };
    try {
      await eventLoop.turn(authenticatedUser);
      run.signal.throwIfAborted();
      const room = run.memory.enter(run.signal);
      if (room) await room;
      if (this.#state !== 'running') return over();
      run.input = input();
      const handle = await this.#executor().executeDequeuedWorkflow({ ...status, input: noArguments }, token);
      handle.getResult().then(over, over);
    } catch (error) {
      if (!run.signal.aborted)
        this.#options.log.warn(`Run ${runId} was not started at once; it is tried again.`, error);
      over();
    }
  }

  #newRun(runId: string, token: string, tenant: string): DbosRun {
    const resumed = this.#direct.get(token) !== runId;
    const run = new DbosRun(runId, resumed, this.#memory.open(tenant), {
      draining: () => this.#state !== 'running',
      suspend: (id, until, signals, isOver) => this.#suspensions!.suspend({ runId: id, token, until, signals, isOver }),
      receive: (...wait) => this.#signals!.receive(...wait),
    });
    this.#runs.add(run, token);
    return run;
  }

  /** The run is no longer at work in this process: its place and its room are free. */
  #over(status: Pick<WorkflowStatusInternal, 'authenticatedUser'> & Partial<WorkflowStatusInternal>): void {
    this.#dispatched.add(status.authenticatedUser, -1);
    this.#places!.give(status.authenticatedUser, 1);
    if (this.#state !== 'running') return;
    if (status.attributes) this.#admit(status);
    this.#root.runInAsyncScope(() => this.#line!.over(status.authenticatedUser));
  }

  #admit({ queuePartitionKey: group }: Partial<WorkflowStatusInternal>): void {
    if (group !== undefined) this.#root.runInAsyncScope(() => this.#admission!.look(group));
  }

  #look(tenant: string, tell: boolean): void {
    if (this.#state === 'running') this.#root.runInAsyncScope(() => this.#line!.look(tenant, tell));
  }

  async #run(name: string, runId: string): Promise<void> {
    const body = this.#bodies.get(name)!;
    const token = currentOwnerXid(runId)!;
    const run = this.#runs.get(runId, token);
    // Begun by DBOS itself, which nothing asks it to: #tick finds the row and begins it.
    if (!run) throw new DBOSWorkflowConflictError(runId);
    try {
      run.memory.add(memoryOfByte * bytesOf(run.input));
      run.memory.leave();
      await this.#steps!.open(run);
      await body(run, run.input);
      // A body that swallowed its abandonment has not ended the run.
      if (run.signal.aborted) throw run.signal.reason;
    } catch (error) {
      // A database that cannot be used between two steps, or before the first, is not how a run ends.
      if (!(error instanceof RunAbandonedError) && !isPassing(error)) throw error;
      // Steps of other branches may still be in flight; what they come to is recorded.
      await run.quiet();
      // DBOS leaves a run that ends so as it is: not failed, its owner to be seen.
      throw new DBOSWorkflowConflictError(runId);
    } finally {
      this.#runs.end(run, token);
      this.#steps!.close(runId);
    }
  }

  async cancel(runIds: readonly string[], em?: EntityManager): Promise<void> {
    const { pool } = this.#executor().systemDatabase;
    const leave = (): void => runIds.forEach((runId) => this.#runs.leave(runId, 'The run was cancelled.'));
    if (!em) {
      await cancelRuns(pool, runIds);
      return leave();
    }
    const transaction = transactionOf(em);
    await cancelRuns(clientOf(transaction), runIds);
    this.#afterCommit.add(transaction, leave, () => undefined);
  }

  async signal(runId: string, name: string, payload: Json, em?: EntityManager): Promise<void> {
    this.#executor();
    const signals = this.#signals!;
    if (em) return signals.send(clientOf(transactionOf(em)), runId, name, payload);
    await signals.inTransaction((transaction) => signals.send(transaction, runId, name, payload));
  }

  async wake(runId: string, em?: EntityManager): Promise<boolean> {
    this.#executor();
    const signals = this.#signals!;
    if (em) return signals.wake(clientOf(transactionOf(em)), runId);
    return signals.inTransaction((transaction) => signals.wake(transaction, runId));
  }

  get leads(): boolean {
    return this.#leads;
  }

  async suspended(after: string, limit: number): Promise<SuspendedRun[]> {
    this.#executor();
    return this.#suspensions!.list(after, limit);
  }

  async ended(runIds: readonly string[]): Promise<string[]> {
    return endedOf(this.#executor().systemDatabase.pool, runIds);
  }

  async forget(runIds: readonly string[]): Promise<void> {
    await forgetThose(this.#executor().systemDatabase, runIds);
  }

  /** A ReadinessCheck: steps of runs are written, or there are none to write. */
  problem(): string | undefined {
    const still = this.#steps?.standstillMs ?? 0;
    if (still < maxStandstillMs) return undefined;
    return `steps of executions have not been recorded for ${Math.floor(still / 1_000)} seconds`;
  }

  async health(): Promise<EngineHealth> {
    const running = this.#runs.size;
    if (this.#state !== 'running') return { ok: false, running, queued: 0, detail: `The engine is ${this.#state}.` };
    const queued = await countQueued(this.#executor().systemDatabase.pool);
    return { ok: true, running, queued };
  }

  async stop(graceMs = this.#options.grace): Promise<void> {
    if (started !== this) return;
    this.#state = 'draining';
    clearInterval(this.#retention);
    await this.#runs.drain(graceMs);
    await this.#admission?.idle();
    await this.#line?.idle();
    await this.#steps?.stop();
    // Runs are parked by now; DBOS still lets them notice.
    await DBOS.shutdown({ workflowCompletionTimeoutMS: 1_000 });
    await this.#places?.stop().catch(() => undefined);
    await this.#pool?.end();
    await this.#lock.stop();
    this.#state = 'stopped';
    started = undefined;
  }

  /** What #lock asks for while it beats: runs that were cancelled or taken away without our hearing of it, and strays. */
  async #tick(query: Query): Promise<void> {
    if (this.#state !== 'running') return;
    // Of the runs that are here before the question: meanwhile one may have come back.
    const leave = this.#runs.leaver();
    const rows = await query(
      `select workflow_uuid as id, status = 'PENDING' and executor_id = $1 as mine from dbos.workflow_status
        where workflow_uuid = any($2) or (status = 'PENDING' and executor_id = $1)`,
      [this.executorId, this.#runs.ids],
    );
    for (const row of rows) if (!row.mine) leave(row.id as string, 'The run is no longer owned by this process.');
    await this.#restartStrays(
      query,
      rows.filter((row) => row.mine).map((row) => row.id as string),
    );
    if (await this.#lead(query)) await this.#suspensions?.sweep(query);
    await this.#admission?.sweep(query);
    await this.#line?.sweep(query);
    await this.#places?.releaseIdle();
  }

  /** Whether this process does what one process does for all: one that works and whose session got the lock, until that ends. */
  async #lead(query: Query): Promise<boolean> {
    if (this.#leads || !this.#options.works) return this.#leads;
    const [row] = await query('select pg_try_advisory_lock($1) as leads', [advisoryLocks.engineLeader]);
    return (this.#leads = row!.leads === true);
  }

  /** A row in our name that nothing here works on was committed although we heard of no commit; twice in a row makes sure. */
  async #restartStrays(query: Query, ids: string[]): Promise<void> {
    const { systemDatabase } = this.#executor();
    const starting = new Set(this.#direct.values());
    const isIdle = (id: string): boolean =>
      !starting.has(id) && !this.#runs.has(id) && !systemDatabase.checkForRunningWorkflow(id);
    const idle = ids.filter(isIdle);
    const strays = idle.filter((id) => this.#strays.has(id));
    this.#strays = new Set(idle);
    if (strays.length > 0) await query(...requeueOf(strays, this.executorId));
  }

  #executor(): DBOSExecutor {
    const executor = DBOSExecutor.globalInstance;
    if (this.#state !== 'running' && this.#state !== 'draining') {
      throw new EngineUnavailableError('The engine of this process is not running. Try again in a moment.');
    }
    return executor!;
  }
}
