import { type ChildProcess, fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { request } from 'undici';
import { startEmbeddedPostgres } from '../../server/src/platform/database/embedded-postgres.ts';
import { createDatabase, Flowpact, type Load, type Measurement } from './flowpact.ts';
import { median, processorSeconds } from './measure.ts';
import { N8n } from './n8n.ts';
import { storeFinished } from './stored.ts';

/**
 * The engine beside DBOS alone, and with `--n8n` beside n8n: every server is a process of its own, all take turns on one
 * PostgreSQL with its data on disk. Ratios are medians of the rounds' ratios; processor times are what a busy machine distorts least.
 */
const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    count: { type: 'string', default: '1500' },
    'in-flight': { type: 'string', default: '32' },
    stored: { type: 'string', default: '100000' },
    n8n: { type: 'boolean', default: false },
    /** Only the parts whose name holds this. */
    only: { type: 'string', default: '' },
  },
});
const rounds = Number(options.rounds);
const count = Number(options.count);
const busy: Load = { count, inFlight: Number(options['in-flight']) };
const alone: Load = { count: Math.ceil(count / 8), inFlight: 1 };
const warm: Load = { count: Math.min(300, count), inFlight: 32 };

spawnSync('npm', ['run', 'build', '--silent'], { cwd: join(import.meta.dirname, '..', '..'), stdio: 'inherit' });
const dataDir = mkdtempSync(join(tmpdir(), 'flowpact-bench-'));
chmodSync(dataDir, 0o755);
const postgres = await startEmbeddedPostgres({ dataDir, database: 'postgres' });
const flowpact = new Flowpact(await createDatabase(postgres.url, 'flowpact'), join(dataDir, 'flowpact'), postgres.pid);
const dbos = fork(join(import.meta.dirname, 'processes', 'dbos.ts'), [await createDatabase(postgres.url, 'dbos')]);
const receiver = createServer((_, response) => response.end('{"ok":true}')).listen(0, '127.0.0.1');
let n8n: N8n | undefined;

type Results = Map<string, Measurement[]>;

function chain(nodes: readonly { id: string; type: string; params: unknown }[]): unknown {
  const edges = nodes
    .slice(1)
    .map(({ id }, index) => ({ id: `edge${index}`, from: nodes[index]!.id, to: id, port: 'default' }));
  return { nodes, edges };
}

const set = (index: number) => ({ id: `set${index}`, type: 'set', params: { values: { n: index } } });
const sets = (length: number) => Array.from({ length }, (_, index) => set(index));

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

/** Rounds of all candidates in turn, after one that does not count; told as it ends. */
async function compare(
  title: string,
  candidates: Record<string, (load?: Load) => Promise<Measurement>>,
): Promise<Results> {
  const results: Results = new Map(Object.keys(candidates).map((name) => [name, []]));
  for (const measure of Object.values(candidates)) await measure(warm);
  for (let round = 0; round < rounds; round++)
    for (const [name, measure] of Object.entries(candidates)) results.get(name)!.push(await measure());
  console.log(`\n${title}`);
  for (const [name, all] of results) console.log(`  ${name.padEnd(36)} ${describe(all)}`);
  return results;
}

function describe(all: readonly Measurement[]): string {
  const of = (key: keyof Measurement): number => median(all.map((one) => one[key] ?? Number.NaN));
  const known = (key: keyof Measurement, text: (value: number) => string): string =>
    Number.isNaN(of(key)) ? '' : text(of(key));
  return [
    `${of('perSecond').toFixed(0).padStart(5)} executions/s`,
    known('startP50', (p50) => `, accept to start p50 ${p50.toFixed(1)} p95 ${of('startP95').toFixed(1)} ms`),
    known('runP50', (p50) => `, run p50 ${p50.toFixed(1)} ms`),
    known('serverCpu', (own) => `, processor ${own.toFixed(2)} + PostgreSQL ${of('databaseCpu').toFixed(2)} ms each`),
  ].join('');
}

function ratio(results: Results, ours: string, theirs: string, target?: number): void {
  const rates = results.get(ours)!.map((one, round) => one.perSecond / results.get(theirs)![round]!.perSecond);
  const value = median(rates);
  const judged = target === undefined ? '' : ` (target ${target}: ${value >= target ? 'met' : 'missed'})`;
  console.log(`  ${ours} / ${theirs}: ${value.toFixed(2)}${judged}`);
}

async function noOps(steps: number): Promise<void> {
  const workflow = await flowpact.publish(chain(sets(steps)));
  const results = await compare(`${steps} no-op ${steps === 1 ? 'step (a set node)' : 'steps (set nodes)'}`, {
    'DBOS alone': (load = busy) => bare(steps, load),
    'Flowpact, inside the process': (load = busy) => flowpact.inProcess(workflow, load),
    'Flowpact over HTTP': (load = busy) => flowpact.overHttp(workflow, load),
    'Flowpact over HTTP, idempotent': (load = busy) => flowpact.overHttp(workflow, load, true),
    'DBOS alone, one at a time': (load = alone) => bare(steps, { ...load, inFlight: 1 }),
    'Flowpact, one at a time': (load = alone) => flowpact.inProcess(workflow, { ...load, inFlight: 1 }),
  });
  ratio(results, 'Flowpact, inside the process', 'DBOS alone', 0.7);
  ratio(results, 'Flowpact over HTTP', 'DBOS alone');
}

async function realWork(): Promise<void> {
  const { port } = receiver.address() as { port: number };
  const http = { id: 'call', type: 'http.request', params: { url: `http://127.0.0.1:${port}/` } };
  const five = await flowpact.publish(chain([set(0), set(1), http, set(3), set(4)]));
  const body = { nodes: [{ id: 'one', type: 'set', params: { values: { n: '{{ item }}' } } }], edges: [] };
  const items = Array.from({ length: 100 }, (_, index) => index);
  const hundred = await flowpact.publish(chain([{ id: 'each', type: 'foreach', params: { items, body } }]));
  const few = { count: Math.ceil(count / 10), inFlight: 8 };
  await compare('real work', {
    'five nodes, one an HTTP call': (load = busy) => flowpact.inProcess(five, load),
    'the same, one at a time': (load = alone) => flowpact.inProcess(five, { ...load, inFlight: 1 }),
    'a foreach of 100 items': (load) => flowpact.inProcess(hundred, load ? { ...few, count: 10 } : few),
  });
}

async function webhook(): Promise<void> {
  const workflow = await flowpact.publish(chain(sets(1)));
  const config = { kind: 'webhook', methods: ['POST'], auth: { type: 'none' }, respond: 'immediately' };
  const { data } = await flowpact.create<{ data: { trigger: { url: string } } }>('/v1/triggers', {
    workflow_id: workflow,
    name: 'Bench',
    config,
  });
  const path = new URL(data.trigger.url).pathname;
  const post = async (): Promise<void> => {
    const { statusCode, body } = await request(flowpact.url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"n":1}',
    });
    const text = await body.text();
    if (statusCode !== 202 && statusCode !== 200) throw new Error(`The hook answers ${statusCode}: ${text}`);
  };
  const candidates: Record<string, (load?: Load) => Promise<Measurement>> = {
    'Flowpact, hook + set': (load = busy) => flowpact.measure(workflow, load, post),
  };
  if (options.n8n) {
    n8n = await N8n.start(await createDatabase(postgres.url, 'n8n'), dataDir, postgres.pid);
    candidates['n8n, webhook + Set'] = (load = busy) => n8n!.measure(load);
  }
  const results = await compare('inbound webhook plus one node', candidates);
  if (options.n8n) ratio(results, 'Flowpact, hook + set', 'n8n, webhook + Set', 3);
}

async function twoWorkers(): Promise<void> {
  const workflow = await flowpact.publish(chain(sets(5)));
  const measure = (load = busy): Promise<Measurement> => flowpact.overHttp(workflow, load);
  await flowpact.stop();
  await flowpact.start({ FLOWPACT_ROLE: 'api' });
  const leave = [await flowpact.join({ FLOWPACT_ROLE: 'worker' })];
  await compare('five no-op steps, API and 1 worker', { 'over HTTP': measure });
  leave.push(await flowpact.join({ FLOWPACT_ROLE: 'worker' }));
  await compare('five no-op steps, API and 2 workers', { 'over HTTP': measure });
  for (const one of leave) await one();
  await flowpact.stop();
  await flowpact.start();
}

async function withHistory(): Promise<void> {
  const workflow = await flowpact.publish(chain(sets(1)));
  const candidates = { 'Flowpact, inside the process': (load = busy) => flowpact.inProcess(workflow, load) };
  const before = await compare('1 no-op step, little stored', candidates);
  await storeFinished((text) => flowpact.query(text), Number(options.stored));
  const after = await compare(`1 no-op step, ${options.stored} finished executions stored`, candidates);
  const rate = (results: Results): number => median([...results.values()][0]!.map(({ perSecond }) => perSecond));
  console.log(`  with them / without: ${(rate(after) / rate(before)).toFixed(2)}`);
}

async function stop(child: ChildProcess): Promise<void> {
  const exit = once(child, 'exit');
  child.disconnect();
  await exit;
}

try {
  await once(dbos, 'message');
  await flowpact.start();
  console.log(`${rounds} rounds of ${count} executions, ${busy.inFlight} in flight`);
  const parts: Record<string, () => Promise<void>> = {
    '1 step': () => noOps(1),
    '5 steps': () => noOps(5),
    'real work': realWork,
    webhook,
    'two workers': twoWorkers,
    'with history': withHistory,
  };
  for (const [name, measure] of Object.entries(parts)) if (name.includes(options.only)) await measure();
} finally {
  await stop(dbos);
  await n8n?.stop();
  await flowpact.end();
  receiver.close();
  await postgres.stop();
  rmSync(postgres.store, { recursive: true, force: true });
  rmSync(dataDir, { recursive: true, force: true });
}
