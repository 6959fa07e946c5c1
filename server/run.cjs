'use strict';

const { spawnSync } = require('node:child_process');
const { existsSync, readdirSync, statSync } = require('node:fs');
const { join } = require('node:path');
const { pathToFileURL } = require('node:url');

/** Compiles the server when its sources are newer than what was compiled last, and runs it, or another of its entries, in this process. */
module.exports = function run(root, file = 'main.js') {
  const entry = join(root, 'dist', 'server', 'src', file);
  if (isStale(root, join(root, 'dist', 'package.json'))) compile(root);
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

function compile(root) {
  process.stderr.write('Compiling the server...\n');
  const { status } = spawnSync('npm', ['run', 'build', '--silent'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  });
  if (status !== 0) process.exit(1);
}
