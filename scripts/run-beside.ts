/**
 * Runs npm scripts beside each other, as many as there are processors, and prints what each has written when it ends:
 * `node scripts/run-beside.ts typecheck lint:contract`. Fails when one of them does, after all have ended.
 */
import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';

async function run(script: string): Promise<boolean> {
  const child = spawn('npm', ['run', '--silent', script], {
    stdio: ['ignore', 'pipe', 'pipe'],
    shell: process.platform === 'win32',
  });
  const output: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => output.push(chunk));
  const code = await new Promise<number | null>((resolve, reject) =>
    child.once('error', reject).once('close', resolve),
  );
  process.stdout.write(Buffer.concat(output));
  if (code !== 0) console.log(`npm run ${script} failed.`);
  return code === 0;
}

const scripts = process.argv.slice(2);
const waiting = scripts.values();
let passed = true;
const lane = async (): Promise<void> => {
  for (const script of waiting) passed = (await run(script)) && passed;
};
await Promise.all(Array.from({ length: Math.min(availableParallelism(), scripts.length) }, lane));
process.exitCode = passed ? 0 : 1;
