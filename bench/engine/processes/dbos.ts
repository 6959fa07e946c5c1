import { setTimeout as sleep } from 'node:timers/promises';
import { DBOS } from '@dbos-inc/dbos-sdk';
import { percentile, repeat } from '../measure.ts';

/**
 * DBOS alone: a workflow of no-op steps, started and awaited in one process. `node dbos.ts <database url>`; over IPC it
 * takes `{ steps, count, inFlight }` and answers with a Measurement.
 */
const [url] = process.argv.slice(2) as [string];

/** When each workflow began to run, by its number. */
const begun = new Map<number, number>();

const noOps = DBOS.registerWorkflow(
  async (number: number, steps: number) => {
    begun.set(number, performance.now());
    let sum = 0;
    for (let step = 0; step < steps; step++) sum += await DBOS.runStep(async () => step, { name: `step${step}` });
    return sum;
  },
  { name: 'noOps' },
);

DBOS.setConfig({ name: 'bare', systemDatabaseUrl: url, logLevel: 'error', systemDatabasePoolSize: 20 });
await DBOS.launch();

process.on('message', async ({ steps, count, inFlight }: { steps: number; count: number; inFlight: number }) => {
  begun.clear();
  const starts: number[] = [];
  const runs: number[] = [];
  const before = performance.now();
  await repeat(count, inFlight, async (number) => {
    const accepted = performance.now();
    const handle = await DBOS.startWorkflow(noOps)(number, steps);
    await handle.getResult();
    starts.push(Math.max(0, begun.get(number)! - accepted));
    runs.push(performance.now() - begun.get(number)!);
  });
  const seconds = (performance.now() - before) / 1_000;
  process.send!({
    perSecond: count / seconds,
    startP50: percentile(starts, 0.5),
    startP95: percentile(starts, 0.95),
    runP50: percentile(runs, 0.5),
  });
});
process.on('disconnect', async () => {
  await DBOS.shutdown();
  await sleep(0);
  process.exit(0);
});
process.send!({ ready: true });
