import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Pool } from 'pg';
import { request } from 'undici';
import type { Load, Measurement } from './flowpact.ts';
import { processorSeconds, repeat } from './measure.ts';

/** Installed by hand, never a dependency; bench/README.md says how. */
const program = join(import.meta.dirname, '.n8n', 'node_modules', 'n8n', 'bin', 'n8n');

const workflow = {
  id: 'benchbenchbench1',
  name: 'Bench',
  active: true,
  nodes: [
    {
      id: '6f1c2d9a-7c3e-4f0b-9a52-0d5b7f6e8c11',
      name: 'Webhook',
      type: 'n8n-nodes-base.webhook',
      typeVersion: 2,
      position: [0, 0],
      webhookId: '6f1c2d9a-7c3e-4f0b-9a52-0d5b7f6e8c12',
      parameters: { httpMethod: 'POST', path: 'bench', responseMode: 'onReceived', options: {} },
    },
    {
      id: '6f1c2d9a-7c3e-4f0b-9a52-0d5b7f6e8c13',
      name: 'Set',
      type: 'n8n-nodes-base.set',
      typeVersion: 3.4,
      position: [200, 0],
      parameters: { assignments: { assignments: [{ id: 'a', name: 'n', value: 1, type: 'number' }] }, options: {} },
    },
  ],
  connections: { Webhook: { main: [[{ node: 'Set', type: 'main', index: 0 }]] } },
  settings: { executionOrder: 'v1' },
};

/** n8n with PostgreSQL, in its fastest configuration: webhook and one Set node. */
export class N8n {
  readonly #child: ChildProcess;
  readonly #pool: Pool;
  readonly #url: string;
  readonly #databasePid: number;

  private constructor(child: ChildProcess, pool: Pool, url: string, databasePid: number) {
    this.#child = child;
    this.#pool = pool;
    this.#url = url;
    this.#databasePid = databasePid;
  }

  static async start(databaseUrl: string, dataDir: string, databasePid: number): Promise<N8n> {
    if (!existsSync(program))
      throw new Error(`n8n is not in bench/engine/.n8n; bench/README.md says how it gets there.`);
    const folder = join(dataDir, 'n8n');
    mkdirSync(folder, { recursive: true });
    const [port, brokerPort] = [await freePort(), await freePort()];
    const { hostname, port: databasePort, username, password, pathname } = new URL(databaseUrl);
    const env = {
      ...process.env,
      N8N_USER_FOLDER: folder,
      N8N_PORT: String(port),
      N8N_RUNNERS_BROKER_PORT: String(brokerPort),
      N8N_LISTEN_ADDRESS: '127.0.0.1',
      N8N_EXPRESSION_ENGINE: 'legacy',
      N8N_DIAGNOSTICS_ENABLED: 'false',
      N8N_VERSION_NOTIFICATIONS_ENABLED: 'false',
      N8N_LOG_LEVEL: 'error',
      EXECUTIONS_DATA_PRUNE: 'false',
      DB_TYPE: 'postgresdb',
      DB_POSTGRESDB_HOST: hostname,
      DB_POSTGRESDB_PORT: databasePort,
      DB_POSTGRESDB_USER: username,
      DB_POSTGRESDB_PASSWORD: decodeURIComponent(password),
      DB_POSTGRESDB_DATABASE: pathname.slice(1),
      DB_POSTGRESDB_POOL_SIZE: '20',
      NODE_ENV: 'production',
    };
    const file = join(folder, 'workflow.json');
    writeFileSync(file, JSON.stringify([workflow]));
    await run(['import:workflow', `--input=${file}`], env);
    await run(['publish:workflow', `--id=${workflow.id}`], env).catch(() =>
      run(['update:workflow', `--id=${workflow.id}`, '--active=true'], env),
    );
    const child = spawn(process.execPath, [program, 'start'], { env, stdio: 'ignore' });
    const n8n = new N8n(
      child,
      new Pool({ connectionString: databaseUrl, max: 2 }),
      `http://127.0.0.1:${port}`,
      databasePid,
    );
    n8n.#pool.on('error', () => undefined);
    for (const deadline = Date.now() + 180_000; ; await sleep(500)) {
      if (await n8n.#post().catch(() => false)) return n8n;
      if (child.exitCode !== null || Date.now() > deadline) {
        await n8n.stop();
        throw new Error('n8n did not start.');
      }
    }
  }

  async measure({ count, inFlight }: Load): Promise<Measurement> {
    const [before, server, database] = [await this.#finished(), this.#cpu(), this.#databaseCpu()];
    const began = performance.now();
    await repeat(count, inFlight, async () => {
      if (!(await this.#post())) throw new Error('n8n refused a request.');
    });
    while ((await this.#finished()) < before + count) await sleep(20);
    return {
      perSecond: count / ((performance.now() - began) / 1_000),
      startP50: Number.NaN,
      startP95: Number.NaN,
      runP50: Number.NaN,
      serverCpu: ((this.#cpu() - server) * 1_000) / count,
      databaseCpu: ((this.#databaseCpu() - database) * 1_000) / count,
    };
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode === null) {
      const exit = once(this.#child, 'exit');
      this.#child.kill('SIGKILL');
      await exit;
    }
    await this.#pool.end();
  }

  #cpu(): number {
    return processorSeconds(this.#child.pid!) ?? Number.NaN;
  }

  #databaseCpu(): number {
    return processorSeconds(this.#databasePid) ?? Number.NaN;
  }

  async #finished(): Promise<number> {
    const { rows } = await this.#pool.query<{ count: string }>(
      `select count(*) from execution_entity where status = 'success'`,
    );
    return Number(rows[0]!.count);
  }

  async #post(): Promise<boolean> {
    const { statusCode, body } = await request(`${this.#url}/webhook/bench`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"n":1}',
    });
    // While it starts it says so, with a 200.
    return (await body.text()).includes('Workflow was started') && statusCode === 200;
  }
}

async function run(args: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  const child = spawn(process.execPath, [program, ...args], { env, stdio: 'ignore' });
  const [code] = (await once(child, 'exit')) as [number];
  if (code !== 0) throw new Error(`n8n ${args[0]} ended with ${code}.`);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  return port;
}
