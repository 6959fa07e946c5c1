import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { SandboxOutcome, SandboxRunOptions, SandboxTask, SandboxTaskKind } from '../../domain/language/sandbox.ts';
import { Metrics } from '../telemetry/metrics.ts';
import { QuickJsSandbox } from './quickjs-sandbox.ts';

// Endless programs take the processor from everything else.
const endless: Readonly<Record<'program' | 'expression', string>> = {
  program: 'for (;;);',
  expression: '(() => { for (;;); })()',
};
const short: Readonly<Record<'program' | 'expression', string>> = { program: 'return 1', expression: '0 + 1' };

let metrics: Metrics;
let sandbox: QuickJsSandbox;
let attack: AbortController;
beforeEach(() => {
  metrics = new Metrics();
  sandbox = new QuickJsSandbox({ metrics });
  attack = new AbortController();
});
afterEach(async () => {
  attack.abort();
  await sandbox.stop();
});

async function run(
  organisationId: string,
  kind: SandboxTaskKind,
  source: string,
  options?: SandboxRunOptions,
): Promise<SandboxOutcome> {
  const task: SandboxTask = { organisationId, kind, source, globals: () => ({}), seed: organisationId, now: 0 };
  const [outcome] = await sandbox.run([task], options);
  return outcome!;
}

/** Tasks that run for as long as they may, and how many of them have ended. */
function besiege(organisationId: string, kind: 'program' | 'expression', count: number): { ended: () => number } {
  let ended = 0;
  for (let index = 0; index < count; index++)
    void run(organisationId, kind, endless[kind], { signal: attack.signal }).then(() => (ended += 1));
  return { ended: () => ended };
}

async function tasks(kind: SandboxTaskKind): Promise<Record<string, number>> {
  const text = await metrics.text();
  const lines = text.matchAll(/^flowpact_sandbox_tasks\{kind="(\w+)",state="(\w+)"\} (\d+)$/gm);
  return Object.fromEntries([...lines].filter((line) => line[1] === kind).map((line) => [line[2], Number(line[3])]));
}

describe.each(['program', 'expression'] as const)('%s', (kind) => {
  test('work of one organisation without end keeps no other waiting', async () => {
    const attackers = besiege('org_loud', kind, 100);
    for (let round = 0; round < 3; round++)
      expect(await run('org_quiet', kind, short[kind])).toEqual({ ok: true, json: '1', logs: [] });
    // In the order of their coming, a hundred would have ended before.
    expect(attackers.ended()).toBeLessThan(30);
    expect((await tasks(kind)).waiting).toBeGreaterThan(50);
  });

  test('nor does that of more organisations than there are threads', async () => {
    const attackers = Array.from({ length: 20 }, (_, index) => besiege(`org_loud_${index}`, kind, 20));
    for (let round = 0; round < 3; round++)
      expect(await run('org_quiet', kind, short[kind])).toEqual({ ok: true, json: '1', logs: [] });
    expect(attackers.reduce((sum, { ended }) => sum + ended(), 0)).toBeLessThan(200);
  });

  test('cancelling takes out what waits and ends what runs', async () => {
    const outcomes: SandboxOutcome[] = [];
    for (let index = 0; index < 50; index++)
      void run('org_loud', kind, endless[kind], { signal: attack.signal }).then((outcome) => outcomes.push(outcome));
    await run('org_quiet', kind, short[kind]);
    attack.abort();
    await new Promise((resolve) => setImmediate(resolve));
    const cancelled = outcomes.filter((outcome) => !outcome.ok && outcome.reason === 'cancelled');
    expect(outcomes).toHaveLength(50);
    expect(cancelled.length).toBeGreaterThan(30);
    // What ran has left its thread, which goes on with others.
    const next = await Promise.all(Array.from({ length: 8 }, () => run('org_loud', kind, short[kind])));
    expect(next.every(({ ok }) => ok)).toBe(true);
    expect(await tasks(kind)).toEqual({ waiting: 0, running: 0, paused: 0 });
  });
});

test('a program that pauses for others, or is begun again for them, comes to the same result', async () => {
  const source = 'let sum = 0; for (let i = 0; i < 3e6; i++) sum += Math.floor(Math.random() * 10); return sum;';
  const alone = await run('org_1', 'program', source);
  expect(alone.ok).toBe(true);
  const organisations = Array.from({ length: 16 }, (_, index) => `org_other_${index}`);
  const others = Promise.all(organisations.map((id) => run(id, 'program', source)));
  const crowded = await run('org_1', 'program', source);
  expect(crowded).toEqual(alone);
  expect((await others).map(({ ok }) => ok)).toEqual(organisations.map(() => true));
});

test('an expression that hangs where QuickJS does not look at its clock is ended although others want the processor', async () => {
  const hanging = 'Array.prototype.indexOf.call({ length: 2 ** 53 - 1 }, 1)';
  const outcomes = Promise.all([1, 2, 3].map((index) => run(`org_${index}`, 'expression', hanging)));
  expect(await run('org_quiet', 'expression', '0 + 1')).toMatchObject({ ok: true });
  expect(await outcomes).toMatchObject([{ reason: 'time' }, { reason: 'time' }, { reason: 'time' }]);
});

test('checks of one organisation that take as long as they may keep those of no other waiting', async () => {
  const check = async (organisationId: string, schema: object): Promise<SandboxOutcome> => {
    const source = JSON.stringify(schema);
    const globals = (): Record<string, string> => ({ value: '1' });
    const task: SandboxTask = { organisationId, kind: 'schema', source, globals, seed: '', now: 0 };
    const [outcome] = await sandbox.run([task], { signal: attack.signal });
    return outcome!;
  };
  // Twice as many choices at each level.
  const level = (index: number): object => ({ anyOf: [0, 1].map(() => ({ $ref: `#/$defs/d${index + 1}` })) });
  const $defs = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`d${index}`, level(index)]));
  const endlessSchema = { $defs: { ...$defs, d50: { type: 'null' } }, $ref: '#/$defs/d0' };
  let ended = 0;
  for (let index = 0; index < 30; index++) void check('org_loud', endlessSchema).then(() => (ended += 1));
  for (let round = 0; round < 3; round++)
    expect(await check('org_quiet', { type: 'number' })).toEqual({ ok: true, json: '[]', logs: [] });
  expect(ended).toBeLessThan(15);
});

describe('what a request waits for', () => {
  test('is refused once no turn has come in time', async () => {
    besiege('org_1', 'program', 20);
    const refused = await run('org_1', 'program', 'return 1', { maxWaitMs: 50 });
    expect(refused).toMatchObject({ ok: false, reason: 'busy' });
    expect(await metrics.text()).toContain('flowpact_sandbox_refused_tasks{kind="program"} 1');
  });

  test('is refused at once where too much of its organisation waits, which others do not feel', async () => {
    besiege('org_1', 'program', 60);
    const refused = await run('org_1', 'program', 'return 1', { maxWaitMs: 60_000 });
    expect(refused).toMatchObject({ ok: false, reason: 'busy', message: 'too much of the organisation waits already' });
    expect(await run('org_2', 'program', 'return 1', { maxWaitMs: 60_000 })).toMatchObject({ ok: true });
  });

  test('has all the time that it needs once it has begun', async () => {
    const source = 'let sum = 0; for (let i = 0; i < 3e6; i++) sum += i; return 1';
    expect(await run('org_1', 'program', source, { maxWaitMs: 1_000 })).toMatchObject({ ok: true });
  });
});

test('a signal that has fired already keeps a task from beginning', async () => {
  expect(await run('org_1', 'program', 'return 1', { signal: AbortSignal.abort() })).toMatchObject({
    reason: 'cancelled',
  });
});
