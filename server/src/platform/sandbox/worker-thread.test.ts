import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { until } from '../../../test/until.ts';
import type { SandboxGlobals, SandboxOutcome } from '../../domain/language/sandbox.ts';
import { SandboxJob } from './sandbox-job.ts';
import { WorkerThread } from './worker-thread.ts';

const listener = {
  onEnded: jest.fn<(job: SandboxJob) => void>(),
  onEvicted: jest.fn<(job: SandboxJob) => void>(),
  onSlow: jest.fn<() => void>(),
  onGone: jest.fn<(unfinished: SandboxJob[], wasReady: boolean) => void>(),
};
let thread: WorkerThread;
let outcomes: (string | undefined)[];

beforeEach(() => {
  jest.clearAllMocks();
  outcomes = [];
  thread = new WorkerThread('worker', true, listener);
});
afterEach(() => thread.stop());

function jobOf(source: string, globals: SandboxGlobals | Promise<SandboxGlobals> = {}): SandboxJob {
  const task = {
    organisationId: 'org_1',
    kind: 'expression' as const,
    source,
    globals: () => globals,
    seed: '',
    now: 0,
  };
  return new SandboxJob(task, (outcome: SandboxOutcome) => outcomes.push(outcome.ok ? outcome.json : outcome.reason));
}

function laterGlobals(): { globals: Promise<SandboxGlobals>; write: (json: string) => void } {
  const { promise, resolve } = Promise.withResolvers<SandboxGlobals>();
  return { globals: promise, write: (input) => resolve({ input }) };
}

async function warmUp(): Promise<void> {
  thread.give(jobOf('0'));
  await until(() => outcomes.length === 1);
  outcomes = [];
}

test.each([
  ['that has started', true],
  ['that has not started', false],
])(
  'a job waits until its globals are written, and those behind it keep their order, in a thread %s',
  async (_, started) => {
    if (started) await warmUp();
    const { globals, write } = laterGlobals();
    for (const job of [jobOf('1'), jobOf('input', globals), jobOf('3')]) thread.give(job);
    await until(() => outcomes.length === 1);
    expect(thread.load).toBe(2);
    write('2');
    await until(() => outcomes.length === 3);
    expect(outcomes).toEqual(['1', '2', '3']);
    thread.give(jobOf('4'));
    await until(() => outcomes.length === 4);
  },
);

test('a job that is taken back while its globals are written does not run', async () => {
  await warmUp();
  const [first, second] = [laterGlobals(), laterGlobals()];
  const [kept, back] = [jobOf('input', first.globals), jobOf('input', second.globals)];
  thread.give(kept);
  thread.give(back);
  expect(thread.takeBack()).toEqual([back]);
  second.write('"taken back"');
  first.write('"kept"');
  await until(() => outcomes.length === 1);
  thread.give(jobOf('"after"'));
  await until(() => outcomes.length === 2);
  expect(outcomes).toEqual(['"kept"', '"after"']);
  expect(back.isSettled).toBe(false);
});

test('a job that is stopped while its globals are written ends, and does not run', async () => {
  await warmUp();
  const { globals, write } = laterGlobals();
  thread.give(jobOf('input', globals));
  thread.stopCurrent();
  await until(() => outcomes.length === 1);
  write('1');
  await globals;
  expect(outcomes).toEqual(['cancelled']);
  expect(listener.onGone).toHaveBeenCalledWith([], true);
});
