import { newQuickJSWASMModule, RELEASE_SYNC } from 'quickjs-emscripten';
import { clock } from './clock.ts';
import { evaluate } from './evaluation.ts';
import { answerRequests } from './answer-requests.ts';

const quickjs = await newQuickJSWASMModule(RELEASE_SYNC);
clock.install();

answerRequests(
  (task, gate) => {
    try {
      return { outcome: evaluate(quickjs, task, gate), broken: false };
    } catch (error) {
      const reason = error instanceof RangeError ? 'stack' : 'memory';
      return {
        outcome: { ok: false, reason, message: error instanceof Error ? error.message : String(error) },
        broken: true,
      };
    }
  },
  [{ kind: 'expression', source: '1' }],
);
