/* oxlint-disable unicorn/require-post-message-target-origin -- threads have no origin */
import { parentPort, workerData } from 'node:worker_threads';
import { ThreadGate } from './thread-gate.ts';
import { ready, type ThreadAnswer, type ThreadRequest, type ThreadTask } from './thread-messages.ts';

type Answer = Pick<ThreadAnswer, 'outcome' | 'broken'>;

/** Answers what the main thread asks of this one, in the order in which it asks; what it has called back is left out. */
export function answerRequests(answer: (task: ThreadTask, gate: ThreadGate) => Answer): void {
  const port = parentPort!;
  const gate = new ThreadGate(workerData as SharedArrayBuffer);
  port.on('message', (request: ThreadRequest) => {
    const { id, task } = request;
    if (gate.isCalledBack(request)) return;
    const before = process.threadCpuUsage();
    const answered = answer(task, gate);
    const { user, system } = process.threadCpuUsage(before);
    port.postMessage({ id, ...answered, used: (user + system) / 1_000 } satisfies ThreadAnswer);
  });
  port.postMessage(ready);
}
