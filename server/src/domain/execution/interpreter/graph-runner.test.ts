import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { MikroORM } from '@mikro-orm/postgresql';
import { compile, Evaluator, type WorkflowDefinition } from '../../language/index.ts';
import { controlNodes } from '../../nodes/index.ts';
import { NodeRegistry } from '../../nodes/node-registry.ts';
import { currentOrganisation } from '../../tenancy/current-organisation.ts';
import { beganAt, passUntil, useRealTime, useVirtualTime } from '../../../../test/executions/graph-bench.ts';
import { nodeType, testNodeTypes } from '../../../../test/executions/node-types.ts';
import { PlainSandbox } from '../../../../test/executions/plain-sandbox.ts';
import { ReplayedRun, RunJournal } from '../../../../test/executions/replayed-run.ts';
import { sketch } from '../../../../test/executions/sketch.ts';
import type { Engine } from '../engine.ts';
import { Report } from '../report.ts';
import { type GraphInput, GraphRunner, type GraphRunnerOptions } from './graph-runner.ts';

const passing = Object.assign(new Error('the server shuts down'), { code: '57P01' });
const call = { type: 'workflow.call', params: { workflow_id: `wf_0${'0'.repeat(25)}` } };

/** What happened, in order: reports of the execution itself, and what was done outside. */
const seen: string[] = [];
const faults: string[] = [];
let rows: ({ startedAt: Date | null; status: string } | null)[];
let definition: WorkflowDefinition;
let findsGraph: () => void;
let startsChild: () => Promise<string>;
let more: Partial<GraphRunnerOptions>;
let isClosed: boolean;
const startedAt: (Date | undefined)[] = [];

const organisations = nodeType('organisation', function* () {
  return { output: yield { kind: 'step', key: 'look', run: async () => currentOrganisation() } };
});

const recorder = {
  record: (_: string, tell: (report: Report) => void) => {
    const report = new Report();
    tell(report);
    const { status, error, output } = report.changes;
    if (report.changes.startedAt) startedAt.push(report.changes.startedAt);
    const what = error?.code ?? (output === undefined ? undefined : JSON.stringify(output));
    if (status) seen.push([status, what].filter((part) => part !== undefined).join(' '));
  },
  stored: async () => (seen.push('stored'), true),
  forget: () => void seen.push('forgotten'),
  hasRoom: () => true,
  isClosed: () => isClosed,
} as unknown as GraphRunnerOptions['recorder'];

function newRunner(): GraphRunner {
  return new GraphRunner({
    orm: { em: { fork: () => ({ findOne: async () => rows.shift() ?? null }) } } as unknown as MikroORM,
    definitions: {
      graph: async (organisationId: string, hash: string) => {
        expect([organisationId, hash]).toEqual(['org_1', 'hash']);
        findsGraph();
        return compile(definition);
      },
    } as unknown as GraphRunnerOptions['definitions'],
    recorder,
    live: {
      subscribe: () => {
        seen.push('subscribed');
        return () => void seen.push('unsubscribed');
      },
    } as unknown as GraphRunnerOptions['live'],
    evaluator: new Evaluator(new PlainSandbox()),
    nodeTypes: new NodeRegistry([...controlNodes, ...testNodeTypes, organisations]),
    engine: {
      signal: async (...given: unknown[]) => void seen.push(`signal ${JSON.stringify(given)}`),
    } as unknown as Engine,
    waits: { expire: async () => true },
    children: {
      start: async () => startsChild(),
      result: async () => ({ status: 'completed', output: null, error: null }),
      cancel: async () => null,
    } as unknown as GraphRunnerOptions['children'],
    publicUrl: { of: (path) => `http://flowpact.test${path}` },
    fault: (message, error) => void faults.push(`${message} ${(error as Error).message}`),
    ...more,
  });
}

const input: GraphInput = {
  organisationId: 'org_1',
  workflowId: 'wf_1',
  workflowVersion: 2,
  definitionHash: 'hash',
  input: { n: 1 },
  trigger: { type: 'manual' },
  acceptedAt: new Date(beganAt).toISOString(),
};

async function run(given: Partial<GraphInput> = {}, resumed = false): Promise<void> {
  const context = new ReplayedRun('exec_1', new RunJournal(), resumed);
  const ended = newRunner().run(context, { ...input, ...given });
  let isOver = false;
  const over = (): void => void (isOver = true);
  ended.then(over, over);
  await passUntil(() => isOver);
  return ended.finally(() => context.end());
}

beforeEach(() => {
  useVirtualTime();
  for (const list of [seen, faults, startedAt]) list.length = 0;
  rows = [];
  definition = { ...sketch({ a: { type: 'pure' } }, []), output: '{{ input.n }}' };
  findsGraph = () => undefined;
  startsChild = async () => 'child_1';
  more = {};
  isClosed = false;
});
afterEach(useRealTime);

test('an execution runs to its end, which is stored before the run is over', async () => {
  await run();
  expect(seen).toEqual(['subscribed', 'running', 'completed 1', 'unsubscribed', 'stored', 'forgotten']);
  expect(startedAt).toEqual([new Date(beganAt)]);
});

test('what expressions read is what it was accepted with, and its work is that of its organisation', async () => {
  definition = {
    ...sketch({ a: { type: 'organisation' } }, [], { variables: { greeting: 'hello' } }),
    output:
      '{{ variables.greeting }} {{ steps.a.output }} {{ trigger.type }} {{ execution.id }} {{ execution.workflow_id }}',
  };
  await run();
  expect(seen).toContain('completed "hello org_1 manual exec_1 wf_1"');
});

test('whoever started it hears of its end, once that is stored', async () => {
  await run({ parentExecutionId: 'exec_0' });
  const at = new Date(beganAt).toISOString();
  expect(seen.slice(-2)).toEqual(['forgotten', `signal ["exec_0","child:exec_1",{"at":"${at}"}]`]);
});

test('a failure is told as it is', async () => {
  definition = sketch({ a: { type: 'work', params: { fail: 'oops' } } }, []);
  await run();
  expect(seen).toContain('failed oops');
  expect(faults).toEqual([]);
});

test('a fault of the platform ends it in words that say nothing of that, and operators hear of it', async () => {
  findsGraph = () => {
    throw new TypeError('secret detail');
  };
  await run({ parentExecutionId: 'exec_0' });
  expect(seen.slice(0, -1)).toEqual(['subscribed', 'failed internal_error', 'unsubscribed', 'stored', 'forgotten']);
  expect(seen.at(-1)).toMatch(/^signal /);
  expect(faults).toEqual(['Execution exec_1 ended by a fault of the platform. secret detail']);
});

test('a fault in a node is told to operators with its path', async () => {
  definition = sketch({ a: { type: 'broken' } }, []);
  await run();
  expect(seen).toContain('failed internal_error');
  expect(faults).toEqual(['Node a of execution exec_1 failed by a fault of the platform. secret detail']);
});

test('a run that cannot use the database now is left, and what it told is stored', async () => {
  findsGraph = () => {
    throw passing;
  };
  await expect(run({ parentExecutionId: 'exec_0' })).rejects.toMatchObject({ name: 'RunAbandonedError' });
  expect(seen).toEqual(['subscribed', 'unsubscribed', 'stored', 'forgotten']);
  expect(faults).toEqual([]);
});

test('so is one whose node cannot start another execution now; what else fails there is the failure of the node', async () => {
  definition = sketch({ a: call }, []);
  startsChild = () => Promise.reject(passing);
  await expect(run()).rejects.toMatchObject({ name: 'RunAbandonedError' });
  expect(seen).not.toContain('failed internal_error');
  startsChild = () => Promise.reject(new TypeError('secret detail'));
  await run();
  expect(seen).toContain('failed internal_error');
});

test('a run that is resumed began when its execution did, and rests while that is paused', async () => {
  const earlier = new Date(beganAt - 5_000);
  rows = [{ startedAt: earlier, status: 'running' }];
  await run({}, true);
  expect(startedAt).toEqual([earlier]);
  rows = [{ startedAt: null, status: 'running' }];
  await run({}, true);
  expect(startedAt).toEqual([earlier, new Date(beganAt)]);
  seen.length = 0;
  rows = [{ startedAt: earlier, status: 'paused' }];
  await expect(run({}, true)).rejects.toMatchObject({ name: 'RunAbandonedError' });
  expect(seen).toEqual(['subscribed', 'unsubscribed', 'stored', 'forgotten']);
});

test('an organisation that has no room left has its execution ended', async () => {
  const error = { code: 'storage_limit_exceeded', message: 'Full.', details: { limit_bytes: 5 } };
  more = { quota: { excess: (id: string) => (id === 'org_1' ? error : undefined) } as never };
  await run();
  expect(seen).toContain('failed storage_limit_exceeded');
});

test('an execution that was ended by somebody else has no end of its own', async () => {
  isClosed = true;
  await run();
  expect(seen).toEqual(['subscribed', 'running', 'unsubscribed', 'stored', 'forgotten']);
});

test('a node may be given and make as much as the execution was accepted with', async () => {
  definition = sketch({ a: { type: 'pure', params: { v: 'x'.repeat(200) } } }, []);
  await run({ sizes: { node: 100, execution: 1_000 } });
  expect(seen).toContain('failed input_too_large');
});
