import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import autocannon from 'autocannon';

import { newItem } from './catalogue.ts';

/**
 * A validated POST and a list GET of the framework alone, without authentication and database, against raw Fastify with its own
 * schemas and against Nest with class-validator. Each server is a process of its own and all take turns, so that what else
 * the machine does falls on all of them. Ratios are medians over the rounds of requests a second, and of the processor time
 * that a request costs the server, which a busy machine distorts less.
 */

interface Candidate {
  readonly name: string;
  readonly file: string;
  readonly env?: Readonly<Record<string, string>>;
}

const candidates: readonly Candidate[] = [
  { name: 'raw Fastify', file: 'fastify.ts' },
  { name: 'Flowpact', file: 'flowpact.ts' },
  { name: 'Flowpact, responses unchecked', file: 'flowpact.ts', env: { FLOWPACT_RESPONSES: 'off' } },
  { name: 'Nest + class-validator', file: 'nest-class-validator.ts' },
  { name: 'the same, no serialiser', file: 'nest-class-validator.ts', env: { NEST_SERIALIZER: 'off' } },
];

const scenarios = [
  {
    name: 'POST /items',
    path: '/items',
    status: 201,
    request: { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(newItem) },
  },
  { name: 'GET /items?page=2&per_page=20', path: '/items?page=2&per_page=20', status: 200, request: { method: 'GET' } },
] as const;

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '3' },
    connections: { type: 'string', default: '32' },
  },
});
const rounds = Number(options.rounds);
const seconds = Number(options.seconds);

interface Server extends Candidate {
  readonly child: ChildProcess;
  readonly url: string;
}

async function start(candidate: Candidate): Promise<Server> {
  const child = fork(join(import.meta.dirname, 'servers', candidate.file), {
    env: { ...process.env, NODE_ENV: 'production', ...candidate.env },
  });
  const [{ port }] = (await once(child, 'message')) as [{ port: number }];
  return { ...candidate, child, url: `http://127.0.0.1:${port}` };
}

/** Microseconds of processor time that a server has used. */
async function processorTime({ child }: Server): Promise<number> {
  child.send('cpu');
  const [{ cpu }] = (await once(child, 'message')) as [{ cpu: NodeJS.CpuUsage }];
  return cpu.user + cpu.system;
}

/** Refuses to measure a server that does not do the work: valid requests answered in full, invalid ones refused. */
async function verify(server: Server): Promise<void> {
  for (const { path, status, request } of scenarios) {
    const response = await fetch(server.url + path, request);
    const text = await response.text();
    if (response.status !== status) throw new Error(`${server.name}: ${path} answers ${response.status}: ${text}`);
    const shown = text.includes('cost_price');
    if (shown !== (server.env?.['NEST_SERIALIZER'] === 'off'))
      throw new Error(`${server.name}: ${path} shows cost_price: ${shown}`);
  }
  for (const [path, init] of [
    ['/items', { ...scenarios[0].request, body: JSON.stringify({ ...newItem, price: -1 }) }],
    ['/items?page=0', {}],
  ] as const) {
    const response = await fetch(server.url + path, init);
    if (response.status !== 400) throw new Error(`${server.name}: an invalid ${path} answers ${response.status}`);
  }
}

interface Sample {
  readonly perSecond: number;
  readonly microseconds: number;
}

async function measure(
  server: Server,
  { path, status, request }: (typeof scenarios)[number],
  duration: number,
): Promise<Sample> {
  const before = await processorTime(server);
  const result = await autocannon({
    url: server.url + path,
    connections: Number(options.connections),
    duration,
    ...request,
  });
  const used = (await processorTime(server)) - before;
  const answered = result.statusCodeStats?.[String(status)]?.count ?? 0;
  if (result.errors > 0 || answered !== result.requests.total) {
    throw new Error(
      `${server.name}: ${result.errors} errors, ${answered} of ${result.requests.total} answered ${status}`,
    );
  }
  return { perSecond: result.requests.total / result.duration, microseconds: used / result.requests.total };
}

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

const medianOf = (samples: readonly Sample[], key: keyof Sample) => median(samples.map((sample) => sample[key]));

/** The median of the ratios of each round, in which both were measured within seconds of each other. */
function ratio(ours: readonly Sample[], theirs: readonly Sample[], key: keyof Sample): number {
  return median(ours.map((sample, round) => sample[key] / theirs[round]![key]));
}

const servers = await Promise.all(candidates.map(start));
try {
  await Promise.all(servers.map(verify));
  for (const scenario of scenarios) {
    for (const server of servers) await measure(server, scenario, 2);
    const samples = new Map<string, Sample[]>(servers.map(({ name }) => [name, []]));
    for (let round = 0; round < rounds; round += 1) {
      const order = round % 2 === 0 ? servers : [...servers].reverse();
      for (const server of order) samples.get(server.name)!.push(await measure(server, scenario, seconds));
    }
    console.log(`\n${scenario.name}  (${rounds} rounds of ${seconds} s, ${options.connections} connections)`);
    for (const [name, own] of samples) {
      const perSecond = Math.round(medianOf(own, 'perSecond')).toString().padStart(7);
      const cost = medianOf(own, 'microseconds').toFixed(1).padStart(6);
      console.log(`  ${name.padEnd(30)} ${perSecond} requests/s ${cost} µs of processor time each`);
    }
    for (const [peer, target] of [
      ['raw Fastify', 0.9],
      ['Nest + class-validator', 3],
      ['the same, no serialiser', undefined],
    ] as const) {
      const ours = samples.get('Flowpact')!;
      const speed = ratio(ours, samples.get(peer)!, 'perSecond').toFixed(2);
      const cost = ratio(samples.get(peer)!, ours, 'microseconds').toFixed(2);
      const goal = target === undefined ? '' : ` (target ${target})`;
      console.log(`  Flowpact / ${peer}: ${speed} by requests/s, ${cost} by processor time${goal}`);
    }
  }
} finally {
  for (const { child } of servers) child.kill();
}
