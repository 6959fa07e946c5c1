import type { Json } from '../../src/domain/domain-error.ts';
import type { WorkflowBody, WorkflowDefinition, WorkflowEdge, WorkflowNode } from '../../src/domain/language/index.ts';

/** What a run of a definition has to come to: statuses of all steps by path (`completed@2` in the second attempt), and its end. */
export interface Expected {
  readonly status: 'completed' | 'failed';
  readonly output: Json;
  readonly steps: Record<string, string>;
}

type Result = { ok: true; port: string; output: Json; attempts: number } | { ok: false; attempts: number };
type Run = { failed: boolean; output: Json };
/** What the expressions of the random graphs read. */
type Names = { item?: Json; index?: number };

/**
 * The meaning of workflows whose failures let other branches end (`on_failure: continue`), worked out without any engine:
 * nodes are taken in the order of a list that respects the edges, each once, and nothing is ever waited for. Knows the node
 * types `pure`, `work` and `port` of the tests, and foreach, while and parallel.
 */
export function expectedOf(definition: WorkflowDefinition): Expected {
  const steps: Record<string, string> = {};
  const { failed, output } = walk(definition, '', {}, steps);
  return { status: failed ? 'failed' : 'completed', output: failed ? null : output, steps };
}

function walk(body: WorkflowBody, prefix: string, names: Names, steps: Record<string, string>): Run {
  const fired = new Set<WorkflowEdge>();
  const outputs: Record<string, Json> = {};
  let failed = false;
  for (const node of sorted(body)) {
    const path = prefix + node.id;
    const incoming = body.edges.filter(({ to }) => to === node.id);
    const count = incoming.filter((edge) => fired.has(edge)).length;
    const wanted = typeof node.join === 'number' ? node.join : 1;
    if ((incoming.length > 0 && count < wanted) || node.when === 'false') {
      steps[path] = 'skipped';
      continue;
    }
    const result = outcomeOf(node, path, names, steps);
    steps[path] = (result.ok ? 'completed' : 'failed') + (result.attempts > 1 ? `@${result.attempts}` : '');
    const outgoing = body.edges.filter(({ from }) => from === node.id);
    const left = result.ok ? result.port : portAfterFailure(node, outgoing);
    if (result.ok) outputs[node.id] = result.output;
    else failed ||= left === undefined;
    for (const edge of outgoing) if (edge.port === left && edge.when !== 'false') fired.add(edge);
  }
  const last = body.nodes.filter(({ id }) => !body.edges.some(({ from, port }) => from === id && port !== 'error'));
  const shown = last.filter(({ id }) => id in outputs).map(({ id }) => [id, outputs[id]!]);
  return { failed, output: Object.fromEntries(shown) as Json };
}

function portAfterFailure({ on_error: policy }: WorkflowNode, outgoing: readonly WorkflowEdge[]): string | undefined {
  const caught = outgoing.some(({ port }) => port === 'error');
  if (policy === 'continue') return 'default';
  return policy !== 'fail' && caught ? 'error' : undefined;
}

function outcomeOf(node: WorkflowNode, path: string, names: Names, steps: Record<string, string>): Result {
  const attempts = node.retry?.max_attempts ?? 1;
  for (let attempt = 1; ; attempt++) {
    const result = attemptOf(node, attempt > 1 ? `${path}@${attempt}` : path, attempt, names, steps);
    if (result || attempt === attempts)
      return result ? { ...result, ok: true, attempts: attempt } : { ok: false, attempts };
  }
}

/** Undefined for a failure. */
function attemptOf(
  { type, params }: WorkflowNode,
  path: string,
  attempt: number,
  names: Names,
  steps: Record<string, string>,
): { port: string; output: Json } | undefined {
  const inside = (segment: string, body: Json, more: Names): Run =>
    walk(body as unknown as WorkflowBody, `${path}[${segment}].`, { ...names, ...more }, steps);
  switch (type) {
    case 'pure':
      return {
        port: 'default',
        output: Object.fromEntries(Object.entries(params).map(([key, v]) => [key, read(v, names)])),
      };
    case 'port':
      return { port: params.port as string, output: params.port! };
    case 'work':
      if (params.fail !== undefined && attempt <= Number(params.times ?? Infinity)) return undefined;
      return { port: 'default', output: read(params.value ?? null, names) };
    case 'foreach':
      return forEach(params, (item, index) => inside(String(index), params.body!, { item, index }));
    case 'while':
      return repeat(Number(params.condition!.toString().split('<')[1]), Number(params.limit), (index) =>
        inside(String(index), params.body!, { index }),
      );
    case 'parallel': {
      const branches = Object.entries(params.branches as Record<string, Json>).sort(([a], [b]) => (a < b ? -1 : 1));
      const runs = branches.map(([name, body]) => [name, inside(name, body, {})] as const);
      const failed = runs.filter(([, run]) => run.failed).length;
      return {
        port: 'default',
        output: { failed, results: Object.fromEntries(runs.map(([name, run]) => [name, shown(run)])) },
      };
    }
    default:
      throw new Error(`The reference does not know ${type}.`);
  }
}

function forEach(
  params: Record<string, Json>,
  run: (item: Json, index: number) => Run,
): { port: string; output: Json } | undefined {
  const items = params.items as readonly Json[];
  const runs: Run[] = [];
  for (const [index, item] of items.entries()) {
    const ended = run(item, index);
    if (ended.failed && params.on_item_error !== 'continue') return undefined;
    runs.push(ended);
  }
  const failed = runs.filter((each) => each.failed).length;
  return { port: 'default', output: { count: items.length, failed, results: runs.map(shown) } };
}

function repeat(times: number, limit: number, run: (index: number) => Run): { port: string; output: Json } | undefined {
  let last: Json = null;
  for (let index = 0; index < times; index++) {
    if (index >= limit) return undefined;
    const ended = run(index);
    if (ended.failed) return undefined;
    last = ended.output;
  }
  return { port: 'default', output: { iterations: times, last } };
}

/** Without the error, whose words are not for the reference to know. */
function shown({ failed, output }: Run): Json {
  return failed ? { status: 'failed', output: null } : { status: 'completed', output };
}

function read(value: Json | undefined, { item, index }: Names): Json {
  if (value === '{{ item }}') return item ?? null;
  if (value === '{{ loop.index }}') return index ?? null;
  return value ?? null;
}

function sorted({ nodes, edges }: WorkflowBody): WorkflowNode[] {
  const left = [...nodes];
  const done: WorkflowNode[] = [];
  while (left.length > 0) {
    const next = left.findIndex(({ id }) =>
      edges.every(({ from, to }) => to !== id || done.some((node) => node.id === from)),
    );
    done.push(...left.splice(next, 1));
  }
  return done;
}
