import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';

/** A package whose build takes a while, writes down when it began and ended, and leaves what is started. */
const build = `
const { appendFileSync, mkdirSync, rmSync, writeFileSync } = require('node:fs');
appendFileSync('log', 'begin ');
rmSync('dist', { recursive: true, force: true });
setTimeout(() => {
  mkdirSync('dist/server/src', { recursive: true });
  writeFileSync('dist/server/src/main.js', "process.stdout.write('started')");
  writeFileSync('dist/package.json', '{}');
  appendFileSync('log', 'end ');
}, 500);
`;
const run = join(import.meta.dirname, '..', 'run.cjs');
let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'flowpact-run-'));
  for (const folder of ['node_modules', 'server/src', 'generated', 'codegen/runtime'])
    mkdirSync(join(root, folder), { recursive: true });
  writeFileSync(join(root, 'package.json'), JSON.stringify({ scripts: { build: 'node build.js' } }));
  writeFileSync(join(root, 'build.js'), build);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

async function start(before = ''): Promise<string> {
  const { NODE_OPTIONS: _jest, ...env } = process.env;
  const code = `${before}; require(${JSON.stringify(run)})(${JSON.stringify(root)})`;
  const child = spawn(process.execPath, ['-e', code], { env, stdio: ['ignore', 'pipe', 'ignore'] });
  let stdout = '';
  child.stdout.on('data', (data) => (stdout += String(data)));
  await once(child, 'close');
  return stdout;
}

const builds = (): string => readFileSync(join(root, 'log'), 'utf8');

test('several that start at once on new sources compile them once, and all start', async () => {
  expect(await Promise.all([start(), start(), start()])).toEqual(['started', 'started', 'started']);
  expect(builds()).toBe('begin end ');
});

test('one that was killed while it compiled keeps no other from it, not one with its process number either', async () => {
  const gone = spawn(process.execPath, ['-e', '']);
  await once(gone, 'exit');
  writeFileSync(join(root, 'node_modules', '.compiling'), String(gone.pid));
  expect(await start()).toBe('started');
  expect(builds()).toBe('begin end ');
  rmSync(join(root, 'dist'), { recursive: true });
  const lock = JSON.stringify(join(root, 'node_modules', '.compiling'));
  expect(await start(`require('node:fs').writeFileSync(${lock}, String(process.pid))`)).toBe('started');
});
