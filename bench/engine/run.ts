import { type ChildProcess, fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startEmbeddedPostgres } from '../../server/src/platform/database/embedded-postgres.ts';
import { createDatabase, Flowpact, type Load, type Measurement } from './flowpact.ts';
import { median, processorSeconds } from './measure.ts';

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    count: { type: 'string', default: '1500' },
    'in-flight': { type: 'string', default: '32' },
    only: { type: 'string' },
  },
});
const rounds = Number(options.rounds);
const busy: Load = { count: Number(options.count), inFlight: Number(options['in-flight']) };
const alone: Load = { count: Math.ceil(Number(options.count) / 8), inFlight: 1 };

const root = join(import.meta.dirname, '..', '..');
spawnSync('npm', ['run', 'build', '--silent'], { cwd: root, stdio: 'inherit' });

const dataDir = mkdtempSync(join(tmpdir(), 'flowpact-bench-'));
chmodSync(dataDir, 0o755);
const postgres = await startEmbeddedPostgres({ dataDir, database: 'postgres' });
const flowpact = new Flowpact(await createDatabase(postgres.url, 'flowpact'), join(dataDir, 'flowpact'), postgres.pid);
const dbos = fork(join(import.meta.dirname, 'processes', 'dbos.ts'), [await createDatabase(postgres.url, 'dbos')]);

function set(index: number): unknown {
  return { id: `set${index}`, type: 'set', params: { values: { n: index } } };
}
function chain(nodes: unknown[]): unknown {
  const ids = nodes.map((node) => (node as { id: string }).id);
  const edges = ids.slice(1).map((id, index) => ({ id: `edge${index}`, from: ids[index], to: id, port: 'default' }));
  return { nodes, edges };
}

async function bare(steps: number, load: Load): Promise<Measurement> {
  const before = { server: processorSeconds(dbos.pid!)!, database: processorSeconds(postgres.pid)! };
  const answer = once(dbos, 'message') as Promise<[Measurement]>;
  dbos.send({ steps, ...load });
  const [measured] = await answer;
  return {
    ...measured,
    serverCpu: ((processorSeconds(dbos.pid!)! - before.server) * 1_000) / load.count,
    databaseCpu: ((processorSeconds(postgres.pid)! - before.database) * 1_000) / load.count,
  };
}

function line(name: string, all: readonly Measurement[]): void {
  const of = (key: keyof Measurement): number => median(all.map((one) => one[key] ?? Number.NaN));
  const cpu = Number.isNaN(of('serverCpu'))
    ? ''
    : `, processor ${of('serverCpu').toFixed(2)} + PostgreSQL ${of('databaseCpu').toFixed(2)} ms each`;
  const start = `start p50 ${of('startP50').toFixed(1)} p95 ${of('startP95').toFixed(1)} ms`;
  console.log(
    `  ${name.padEnd(34)} ${of('perSecond').toFixed(0).padStart(5)} executions/s, ${start}, run p50 ${of('runP50').toFixed(1)} ms${cpu}`,
  );
}

async function stop(child: ChildProcess): Promise<void> {
  const exit = once(child, 'exit');
  child.disconnect();
  await exit;
}

try {
  await once(dbos, 'message');
  await flowpact.start();
  for (const steps of [1, 5]) {
    const workflow = await flowpact.publish(chain(Array.from({ length: steps }, (_, index) => set(index))));
    const warm: Load = { count: 300, inFlight: 32 };
    await bare(steps, warm);
    await flowpact.inProcess(workflow, warm);
    await flowpact.overHttp(workflow, warm);
    const results = new Map<string, Measurement[]>();
    const note = (name: string, one: Measurement): void => void results.set(name, [...(results.get(name) ?? []), one]);
    for (let round = 0; round < rounds; round++) {
      note('DBOS alone', await bare(steps, busy));
      note('Flowpact, inside the process', await flowpact.inProcess(workflow, busy));
      note('Flowpact, over HTTP', await flowpact.overHttp(workflow, busy));
      note('DBOS alone, one at a time', await bare(steps, alone));
      note('Flowpact, one at a time', await flowpact.inProcess(workflow, alone));
    }
    console.log(`\n${steps} no-op steps`);
    for (const [name, all] of results) line(name, all);
    const ratio = (name: string): string =>
      median(
        results.get(name)!.map((one, index) => one.perSecond / results.get('DBOS alone')![index]!.perSecond),
      ).toFixed(2);
    console.log(
      `  Flowpact / DBOS alone: ${ratio('Flowpact, inside the process')} inside, ${ratio('Flowpact, over HTTP')} over HTTP`,
    );
  }
} finally {
  await stop(dbos);
  await flowpact.end();
  await postgres.stop();
  rmSync(postgres.store, { recursive: true, force: true });
  rmSync(dataDir, { recursive: true, force: true });
}
