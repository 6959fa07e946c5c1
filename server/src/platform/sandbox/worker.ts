/* oxlint-disable unicorn/require-post-message-target-origin -- threads have no origin */
import { parentPort } from 'node:worker_threads';
import { newQuickJSWASMModule, RELEASE_SYNC } from 'quickjs-emscripten';
import type { SandboxOutcome, SandboxTask } from '../../domain/language/sandbox.ts';
import { clock } from './clock.ts';
import { evaluate } from './evaluation.ts';

/** What a worker answers; `broken` asks for the worker's end, because its QuickJS can no longer be trusted. */
export interface WorkerAnswer {
  outcome: SandboxOutcome;
  broken: boolean;
}

const port = parentPort!;
const quickjs = await newQuickJSWASMModule(RELEASE_SYNC);
clock.install();

port.on('message', (task: SandboxTask) => port.postMessage(answer(task)));
port.postMessage('ready');

function answer(task: SandboxTask): WorkerAnswer {
  try {
    return { outcome: evaluate(quickjs, task), broken: false };
  } catch (error) {
    const reason = error instanceof RangeError ? 'stack' : 'memory';
    return {
      outcome: { ok: false, reason, message: error instanceof Error ? error.message : String(error) },
      broken: true,
    };
  }
}
