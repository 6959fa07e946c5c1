'use strict';

const { spawnSync } = require('node:child_process');
const { enableCompileCache } = require('node:module');
const { existsSync, linkSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');
const { pathToFileURL } = require('node:url');

/** Compiles the server when its sources are newer than what was compiled last, and runs it, or another of its entries, in this process. */
module.exports = function run(root, file = 'main.js') {
  const entry = join(root, 'dist', 'server', 'src', file);
  const built = join(root, 'dist', 'package.json');
  if (isStale(root, built))
    alone(join(root, 'node_modules', '.compiling'), () => isStale(root, built) && compile(root));
  // A fifth of what loading 2,000 modules takes. With what it belongs to, so that compiling anew begins it anew.
  enableCompileCache(join(root, 'dist', '.compile-cache'));
  // Before the first of them starts. Looking up host names and hashing passwords take one each.
  process.env.UV_THREADPOOL_SIZE = process.env.UV_THREADPOOL_SIZE || '16';
  import(pathToFileURL(entry).href);
};

function isStale(root, built) {
  if (!existsSync(built)) return true;
  const since = statSync(built).mtimeMs;
  return ['server/src', 'generated', 'codegen/runtime'].some((folder) => isNewer(join(root, folder), since));
}

/** A folder counts too: its time changes when a file in it is removed. */
function isNewer(path, since) {
  const stat = statSync(path);
  if (stat.mtimeMs > since) return true;
  return stat.isDirectory() && readdirSync(path).some((name) => isNewer(join(path, name), since));
}

/** Two that compile at once would take each other's files away. The lock of a process that is gone does not count. */
function alone(lock, work) {
  while (!locked(lock)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
  try {
    work();
  } finally {
    rmSync(lock, { force: true });
  }
}

function locked(lock) {
  // Linked, so that it is never there without its number.
  const mine = `${lock}.${process.pid}`;
  writeFileSync(mine, String(process.pid));
  try {
    linkSync(mine, lock);
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
    if (isGone(lock)) rmSync(lock, { force: true });
    return false;
  } finally {
    rmSync(mine);
  }
}

function isGone(lock) {
  try {
    const pid = Number(readFileSync(lock, 'utf8'));
    process.kill(pid, 0);
    // We hold no lock yet: it was left by a process with the number that we have got now, as in a restarted container.
    return pid === process.pid;
  } catch (error) {
    return error.code === 'ESRCH';
  }
}

function compile(root) {
  process.stderr.write('Compiling the server...\n');
  const { status } = spawnSync('npm', ['run', 'build', '--silent'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  });
  if (status !== 0) throw new Error('The server does not compile.');
}
