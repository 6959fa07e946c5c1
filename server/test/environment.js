import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';
import { transformSync } from '@swc/core';
import { TestEnvironment } from 'jest-environment-node';
import { getGlobalDispatcher, setGlobalDispatcher } from 'undici';
import { swc } from './swc.js';

// jest loads every module anew for each test file. The server and Prism are some thousand modules, which takes longer than
// most test files; `importOnce` lets a test file have them as Node itself loads them, once for each worker.

const dependencies = '/node_modules/';

// Node strips types, but leaves decorators as they are.
registerHooks({
  load(url, context, next) {
    if (!url.startsWith('file:') || !url.endsWith('.ts') || url.includes(dependencies)) return next(url, context);
    const filename = fileURLToPath(url);
    const { code } = transformSync(readFileSync(filename, 'utf8'), { ...swc, filename });
    return { format: 'module', source: code, shortCircuit: true };
  },
});

/** Node's environment, with a door to what is loaded once for each worker. */
export default class Environment extends TestEnvironment {
  async setup() {
    await super.setup();
    this.global.importOnce = (url) => import(url);
  }

  /** What a test has not read of a response keeps its connection open, and that the worker. */
  async teardown() {
    const clients = getGlobalDispatcher();
    setGlobalDispatcher(new clients.constructor());
    await clients.destroy();
    await super.teardown();
  }
}
