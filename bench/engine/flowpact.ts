import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Pool } from 'pg';
import { request } from 'undici';
import { percentile, processorSeconds, repeat } from './measure.ts';

export interface Measurement {
  perSecond: number;
  /** Milliseconds from the acceptance of an execution to the start of its run. */
  startP50: number;
  startP95: number;
  /** Milliseconds from the start of a run to its end. */
  runP50: number;
  /** Milliseconds of processor time that one execution cost the server process, and PostgreSQL. */
  serverCpu?: number;
  databaseCpu?: number;
}

export interface Load {
  count: number;
  inFlight: number;
}

interface Ready {
  url: string;
  apiKey: string;
  organisationId: string;
}

/** A Flowpact server on a database of its own, and perhaps workers beside it. */
export class Flowpact {
  readonly #children: ChildProcess[] = [];
  readonly #pool: Pool;
  readonly #databaseUrl: string;
  readonly #dataDir: string;
  readonly #databasePid: number;
  #ready: Ready | undefined;

  constructor(databaseUrl: string, dataDir: string, databasePid: number) {
    this.#databaseUrl = databaseUrl;
    this.#dataDir = dataDir;
    this.#pool = new Pool({ connectionString: databaseUrl, max: 2 });
    // PostgreSQL ends before the pool notices.
    this.#pool.on('error', () => undefined);
    this.#databasePid = databasePid;
  }

  async start(environment: Record<string, string> = {}): Promise<void> {
    const ready = await this.#fork(environment);
    // The first start makes the account, and is the only one to tell.
    this.#ready = {
      ...ready,
      ...(this.#ready && { apiKey: this.#ready.apiKey, organisationId: this.#ready.organisationId }),
    };
    // Nothing but the engine is to be the limit.
    await this.#pool.query(`update organisation set plan = 'business'`);
  }

  /** Another process on the same database, with a role of its own. */
  async join(environment: Record<string, string>): Promise<() => Promise<void>> {
    const before = this.#children.length;
    await this.#fork(environment);
    const child = this.#children[before]!;
    return async () => {
      this.#children.splice(this.#children.indexOf(child), 1);
      await stop(child);
    };
  }

  async stop(): Promise<void> {
    for (const child of this.#children.splice(0)) await stop(child);
  }

  async end(): Promise<void> {
    await this.stop();
    await this.#pool.end();
  }

  /** Publishes a workflow; its id. */
  async publish(definition: unknown): Promise<string> {
    const { data } = await this.#call<{ data: { id: string } }>('/v1/workflows', { name: 'Bench', definition });
    await this.#call(`/v1/workflows/${data.id}/publish`, {});
    return data.id;
  }

  /** Creates a resource; the body of the answer. */
  create<T>(path: string, body: unknown): Promise<T> {
    return this.#call(path, body);
  }

  get url(): string {
    return this.#ready!.url;
  }

  /** Executions started over HTTP, from the first request to the last end. */
  async overHttp(workflowId: string, load: Load, idempotent = false): Promise<Measurement> {
    const path = `/v1/workflows/${workflowId}/execute`;
    return this.measure(workflowId, load, () => this.#call(path, { input: {} }, idempotent));
  }

  /** The same with a request of the caller's. */
  async measure(workflowId: string, { count, inFlight }: Load, start: () => Promise<unknown>): Promise<Measurement> {
    const cpu = this.#cpu();
    const since = await this.#now();
    await repeat(count, inFlight, start);
    await this.#allEnded(workflowId, since);
    return this.#read(workflowId, since, count, cpu);
  }

  /** Executions started inside the server process, without HTTP. */
  async inProcess(workflowId: string, load: Load): Promise<Measurement> {
    const cpu = this.#cpu();
    const since = await this.#now();
    const [server] = this.#children as [ChildProcess];
    const answer = once(server, 'message') as Promise<[{ perSecond: number }]>;
    server.send({ workflowId, organisationId: this.#ready!.organisationId, ...load });
    const [{ perSecond }] = await answer;
    return { ...(await this.#read(workflowId, since, load.count, cpu)), perSecond };
  }

  /** Rows of the database. */
  async query(text: string): Promise<Record<string, unknown>[]> {
    return (await this.#pool.query<Record<string, unknown>>(text)).rows;
  }

  async #read(
    workflowId: string,
    since: Date,
    count: number,
    cpu: { server: number; database: number },
  ): Promise<Measurement> {
    const { rows } = await this.#pool.query<{ waited: number; ran: number; first: Date; last: Date; status: string }>(
      `select status, extract(epoch from started_at - created_at)::float8 * 1000 as waited,
              extract(epoch from completed_at - started_at)::float8 * 1000 as ran,
              min(created_at) over () as first, max(completed_at) over () as last
         from execution where workflow_id = $1 and created_at >= $2`,
      [workflowId, since],
    );
    if (rows.length !== count) throw new Error(`${rows.length} executions of ${count} are there.`);
    const wrong = rows.find(({ status }) => status !== 'completed');
    if (wrong) throw new Error(`An execution is ${wrong.status}.`);
    const { first, last } = rows[0]!;
    const now = this.#cpu();
    return {
      perSecond: count / ((last.getTime() - first.getTime()) / 1_000),
      startP50: percentile(
        rows.map(({ waited }) => waited),
        0.5,
      ),
      startP95: percentile(
        rows.map(({ waited }) => waited),
        0.95,
      ),
      runP50: percentile(
        rows.map(({ ran }) => ran),
        0.5,
      ),
      serverCpu: ((now.server - cpu.server) * 1_000) / count,
      databaseCpu: ((now.database - cpu.database) * 1_000) / count,
    };
  }

  #cpu(): { server: number; database: number } {
    const server = this.#children.reduce((sum, { pid }) => sum + (processorSeconds(pid!) ?? Number.NaN), 0);
    return { server, database: processorSeconds(this.#databasePid) ?? Number.NaN };
  }

  async #now(): Promise<Date> {
    await sleep(2);
    return new Date();
  }

  async #allEnded(workflowId: string, since: Date): Promise<void> {
    for (;;) {
      const { rowCount } = await this.#pool.query(
        `select 1 from execution where workflow_id = $1 and created_at >= $2 and completed_at is null limit 1`,
        [workflowId, since],
      );
      if (rowCount === 0) return;
      await sleep(50);
    }
  }

  async #fork(environment: Record<string, string>): Promise<Ready> {
    const child = fork(join(import.meta.dirname, 'processes', 'flowpact.ts'), {
      env: {
        ...process.env,
        DATABASE_URL: this.#databaseUrl,
        FLOWPACT_DATA_DIR: this.#dataDir,
        PORT: '0',
        LOG_LEVEL: 'error',
        RATE_LIMITS: 'false',
        OUTGOING_ALLOWED_HOSTS: '127.0.0.1',
        NODE_ENV: 'production',
        ...environment,
      },
      execArgv: ['--disable-warning=ExperimentalWarning', '--disable-warning=DeprecationWarning'],
    });
    this.#children.push(child);
    const [ready] = (await Promise.race([
      once(child, 'message'),
      once(child, 'exit').then(([code]) => Promise.reject(new Error(`Flowpact exited with ${String(code)}.`))),
    ])) as [Ready];
    return ready;
  }

  async #call<T = unknown>(path: string, body: unknown, idempotent = false): Promise<T> {
    const { statusCode, body: answer } = await request(this.url + path, {
      method: 'POST',
      headers: {
        'x-api-key': this.#ready!.apiKey,
        'content-type': 'application/json',
        ...(idempotent && { 'idempotency-key': crypto.randomUUID() }),
      },
      body: JSON.stringify(body),
    });
    if (statusCode >= 300) throw new Error(`${path} answers ${statusCode}: ${await answer.text()}`);
    return (await answer.json()) as T;
  }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const exit = once(child, 'exit');
  child.disconnect();
  await exit;
}

/** A database of its own on the server at `url`. */
export async function createDatabase(url: string, name: string): Promise<string> {
  const client = new Client({ connectionString: url });
  await client.connect();
  await client.query(`create database ${name}`);
  await client.end();
  const made = new URL(url);
  made.pathname = `/${name}`;
  return made.href;
}
