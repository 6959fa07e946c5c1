import { setTimeout as sleep } from 'node:timers/promises';
import type { Receiver } from './receiver.ts';
import type { Tenant } from './tenant.ts';

/** Noise under way. */
export interface Running {
  /** Whether some of what was begun at first has not ended. */
  isOn(): Promise<boolean>;
  stop(): Promise<void>;
}

/** One way in which an organisation is noisy, and what shows whether another one suffers from it. */
export interface Noise {
  readonly name: string;
  /**
   * Whether the quiet one has to come into a queue in which the noise stands. With KV writes and a slow receiver it does so only
   * where there are no turns: otherwise it finds room, of which the noisy one may have a part. With all of these it is overtaken
   * where queues ignore organisations. With big outputs and wide loops it is not: whatever waits to be written at a time fits
   * into one statement, in which the order says nothing; `execution-recorder.test.ts` and `lane.test.ts` look at more than that.
   */
  readonly queues?: boolean;
  /** What the quiet organisation does again and again, made once. */
  probe(quiet: Tenant, receiver: Pick<Receiver, 'url'>): Promise<() => Promise<void>>;
  /** `size` from 1: how much of it. */
  start(noisy: Tenant, receiver: Pick<Receiver, 'url'>, size: number): Promise<Running>;
}

type Params = Record<string, unknown>;
const one = (type: string, params: Params, id = 'it'): unknown => ({ nodes: [{ id, type, params }], edges: [] });
/** The node for each of so many items, as many at once as there may be. */
const each = (items: number, type: string, params: Params): unknown =>
  one('foreach', {
    items: Array.from({ length: items }, (_, index) => index),
    concurrency: 100,
    on_item_error: 'continue',
    body: one(type, params, 'inner'),
  });

const executing =
  (definition: unknown, input: unknown = {}) =>
  async (quiet: Tenant): Promise<() => Promise<void>> => {
    const id = await quiet.publish(definition);
    return () => quiet.execute(id, input);
  };

/** Starts executions, which end by themselves or when the noise is stopped. */
const executions =
  (definition: (receiver: Pick<Receiver, 'url'>) => unknown, count: (size: number) => number, input: unknown = {}) =>
  async (noisy: Tenant, receiver: Pick<Receiver, 'url'>, size: number): Promise<Running> => {
    const workflow = await noisy.publish(definition(receiver));
    const ids: string[] = [];
    for (let n = 0; n < count(size); n++) ids.push(await noisy.start(workflow, input));
    return {
      isOn: async () => (await Promise.all(ids.map((id) => noisy.isOpen(id)))).includes(true),
      stop: async () => void (await Promise.all(ids.map((id) => noisy.cancel(id)))),
    };
  };

/** Makes so many requests at once, again and again until the noise is stopped, and no sooner than after `everyMs`. */
function requests(atOnce: number, make: () => Promise<unknown>, everyMs = 0): Running {
  const stopped = new AbortController();
  let open = atOnce;
  const lane = async (): Promise<void> => {
    while (!stopped.signal.aborted) await Promise.all([make().catch(() => undefined), sleep(everyMs)]);
    open -= 1;
  };
  const lanes = Array.from({ length: atOnce }, lane);
  return {
    isOn: async () => open > 0,
    stop: async () => {
      stopped.abort();
      await Promise.all(lanes);
    },
  };
}

const small = one('set', { values: { n: 1 } });
const heavy = '{{ [...Array(100000).keys()].map((n) => n * item).reduce((a, b) => a + b, 0) }}';
const uniqueItems = { type: 'object', properties: { rows: { type: 'array', uniqueItems: true } } };

/** The nine of them. */
export const noises: readonly Noise[] = [
  {
    name: 'code',
    queues: true,
    probe: executing(one('code', { source: 'return 1' })),
    start: executions(
      () => each(60, 'code', { source: 'for (;;) {}' }),
      (size) => size,
    ),
  },
  {
    name: 'expressions',
    queues: true,
    probe: executing(one('set', { values: { n: '{{ [1, 2, 3].map((n) => n * 2) }}' } })),
    start: executions(
      // Many, since an execution evaluates one at a time.
      () => each(100, 'set', { values: { n: heavy } }),
      (size) => 30 * size,
    ),
  },
  {
    name: 'schemas',
    queues: true,
    probe: executing({ ...(small as object), input_schema: uniqueItems }, { rows: [1, 2, 3] }),
    start: async (noisy, _, size) => {
      const workflow = await noisy.publish({ ...(small as object), input_schema: uniqueItems });
      const rows = Array.from({ length: 3_000 }, (__, index) => ({ a: { b: index } }));
      return requests(15 * size, () => noisy.start(workflow, { rows }));
    },
  },
  {
    name: 'big outputs',
    probe: executing(small),
    start: async (noisy, _, size) => {
      const copies = Array.from({ length: 30 }, (__, index) => ({
        id: `copy${index}`,
        type: 'set',
        params: { values: { text: '{{ input.text }}' } },
      }));
      const workflow = await noisy.publish({ nodes: copies, edges: [] });
      return requests(2 * size, () => noisy.execute(workflow, { text: 'x'.repeat(900_000) }));
    },
  },
  {
    name: 'wide loops',
    probe: executing(small),
    start: executions(
      () => each(5_000, 'set', { values: { n: '{{ item }}' } }),
      (size) => 10 * size,
    ),
  },
  {
    name: 'hook bursts',
    queues: true,
    probe: async (quiet) => {
      const url = await quiet.hook(await quiet.publish(small), 'last_node');
      return async () => {
        const { statusCode, text } = await quiet.raw('POST', url, {});
        if (statusCode !== 200) throw new Error(`The hook answers ${statusCode}: ${text}`);
      };
    },
    start: async (noisy, _, size) => {
      const url = await noisy.hook(await noisy.publish(small), 'immediately');
      // Six times as many as the largest plan allows.
      return requests(30 * size, () => noisy.raw('POST', url, { n: 1 }), 500);
    },
  },
  {
    name: 'live followers',
    queues: true,
    probe: async (quiet) => {
      const id = await quiet.publish(small);
      return async () => quiet.follow(await quiet.start(id));
    },
    start: async (noisy, receiver, size) => {
      const loops = executions(
        () => each(5_000, 'set', { values: { n: '{{ item }}' } }),
        (count) => 4 * count,
      );
      const workflow = await noisy.publish(each(500, 'set', { values: { n: '{{ item }}' } }));
      const followed = await noisy.start(workflow);
      const followers = requests(20 * size, () => noisy.follow(followed), 500);
      const running = await loops(noisy, receiver, size);
      return {
        isOn: () => running.isOn(),
        stop: async () => {
          await running.stop();
          await noisy.cancel(followed);
          await followers.stop();
        },
      };
    },
  },
  {
    name: 'KV writes',
    probe: executing(one('kv.set', { key: 'quiet', value: 1 })),
    start: executions(
      () => each(400, 'kv.set', { key: 'one-for-all', value: '{{ item }}' }),
      (size) => 3 * size,
    ),
  },
  // Last, since its webhooks stay.
  {
    name: 'slow receiver',
    probe: async (quiet, { url }) => executing(one('http.request', { url: `${url}/fast` }))(quiet),
    start: async (noisy, receiver, size) => {
      for (let n = 0; n < 8; n++)
        await noisy.call('POST', '/v1/webhooks', {
          name: `Slow ${n}`,
          url: `${receiver.url}/slow`,
          events: ['execution.completed'],
        });
      const told = await noisy.publish(small);
      for (let n = 0; n < 10; n++) await noisy.start(told);
      const calling = executions(
        ({ url }) => each(400, 'http.request', { url: `${url}/slow`, timeout: '10s' }),
        (count) => 3 * count,
      );
      return calling(noisy, receiver, size);
    },
  },
];
