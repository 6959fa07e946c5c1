/* oxlint-disable unicorn/require-post-message-target-origin -- threads have no origin */
import { parentPort, workerData } from 'node:worker_threads';
import { ThreadGate } from './thread-gate.ts';
import { ready, type ThreadAnswer, type ThreadRequest, type ThreadTask } from './thread-messages.ts';

type Answer = Pick<ThreadAnswer, 'outcome' | 'broken'>;

/** What a task is without what matters to none of the first ones. */
const anyTask = { globals: {}, seed: '', now: 0 } as const;

/**
 * Answers what the main thread asks of this one, in the order in which it asks; what it has called back is left out. The
 * thread says that it is ready when it has run `firstTasks`: they load and compile what otherwise the first user would wait for.
 */
export function answerRequests(
  answer: (task: ThreadTask, gate: ThreadGate) => Answer,
  firstTasks: readonly Pick<ThreadTask, 'kind' | 'source'>[],
): void {
  const port = parentPort!;
  const gate = new ThreadGate(workerData as SharedArrayBuffer);
  for (const task of firstTasks) answer({ ...anyTask, ...task }, gate);
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
