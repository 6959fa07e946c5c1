import { once } from 'node:events';
import type { Json } from '../../src/domain/domain-error.ts';
import { type Command, NodeFailure, type NodeResult, type NodeType } from '../../src/domain/nodes/node-type.ts';

type Handler = (
  params: Record<string, Json>,
  context: { nodeId: string; executionId: string },
) => Generator<Command, NodeResult, Json>;

/** By the timers of the test, which may be its own. Rejects when the signal fires. */
async function sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
  const over = Promise.withResolvers<void>();
  const onAbort = (): void => over.reject(signal!.reason);
  signal?.addEventListener('abort', onAbort, { once: true });
  const timer = setTimeout(() => over.resolve(), milliseconds);
  await over.promise.finally(() => {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
  });
}

const noCommands: readonly Command[] = [];

/** A handler that needs no command. */
function instantly(result: (params: Record<string, Json>) => NodeResult): Handler {
  return function* handler(params) {
    yield* noCommands;
    return result(params);
  };
}

export function nodeType(type: string, run: Handler, more: Partial<NodeType> = {}): NodeType {
  return { type, description: type, params: {}, output: {}, ports: () => ['default'], run, ...more };
}

/** What happened outside: one entry per time that a step really ran, `execution node attempt`. */
export const worked: string[] = [];

/** Pure: makes what its params are. */
export const pure = nodeType(
  'pure',
  instantly((output) => ({ output })),
);

/** Leaves by the port that its params name. */
export const port = nodeType(
  'port',
  instantly(({ port: name }) => ({ output: name ?? null, port: name as string })),
);

const gates = new Map<string, PromiseWithResolvers<void>>();

function gate(name: string): PromiseWithResolvers<void> {
  let found = gates.get(name);
  if (!found) gates.set(name, (found = Promise.withResolvers()));
  return found;
}

/** Lets the steps go on that wait at the `gate` of that name, and those that come to it later. */
export function openGate(name: string): void {
  gate(name).resolve();
}

/**
 * A step that takes `ms`, waits until its `gate` is open, and then makes `value`, or fails with the code `fail` in its first
 * `times` attempts.
 */
export const work = nodeType('work', function* (params) {
  const output = yield {
    kind: 'step',
    key: 'work',
    run: async ({ idempotencyKey, signal }) => {
      worked.push(idempotencyKey.replaceAll(':', ' '));
      const { ms = 0, gate: name, value = null, fail, times = Infinity } = params;
      if (ms) await sleep(ms as number, signal);
      if (name !== undefined) await Promise.race([gate(name as string).promise, once(signal, 'abort')]);
      signal.throwIfAborted();
      const attempt = Number(idempotencyKey.split(':')[2]);
      if (fail !== undefined && attempt <= Number(times)) throw new NodeFailure(fail as string, `failed ${attempt}`);
      return value;
    },
  };
  return { output };
});

/** Does not listen to its signal. */
export const deaf = nodeType('deaf', function* ({ ms }) {
  yield {
    kind: 'step',
    key: 'deaf',
    run: async () => {
      await sleep(ms as number);
      return null;
    },
  };
  return { output: null };
});

/** Lets time pass. */
export const pause = nodeType('pause', function* ({ ms }) {
  yield { kind: 'sleep', milliseconds: ms as number };
  return { output: 'woke' };
});

/** Two steps and a sleep, with a log line between. */
export const long = nodeType('long', function* (_, context) {
  const first = yield { kind: 'step', key: 'one', run: async () => (worked.push(`${context.executionId} one`), 1) };
  yield { kind: 'log', level: 'info', message: 'between', data: { first } };
  yield { kind: 'sleep', milliseconds: 10 };
  const second = yield { kind: 'step', key: 'two', run: async () => (worked.push(`${context.executionId} two`), 2) };
  const sum = yield { kind: 'evaluate', template: '{{ one + two }}', locals: { one: first, two: second } };
  return { output: sum, variables: { sum } };
});

/** Breaks in a way that no node should. */
export const broken = nodeType(
  'broken',
  instantly(() => {
    throw new TypeError('secret detail');
  }),
);

/** Answers early. */
export const answer = nodeType(
  'answer',
  instantly(({ body }) => ({ output: body!, response: { status: 201, headers: {}, body: body! } })),
);

/** Of its edges only the first that holds fires. */
export const choose = nodeType(
  'choose',
  instantly(({ port: name }) => ({ output: null, port: (name as string) ?? 'default' })),
  { firing: 'first' },
);

/** Makes text that PostgreSQL does not store. */
export const odd = nodeType(
  'odd',
  instantly(() => ({ output: 'a\0b\ud800c\\u0000' })),
);

export const testNodeTypes = [pure, port, work, deaf, pause, long, broken, answer, choose, odd];
