import type { Json } from '../../domain-error.ts';
import type { WorkflowBody } from '../../language/definition.ts';
import { bodySchema, resultSchema, toResult } from '../body.schema.ts';
import { type BodyOutcome, defineNode, NodeFailure } from '../node-type.ts';

interface Params {
  items: readonly Json[];
  concurrency?: number;
  on_item_error?: 'fail' | 'continue';
  body: WorkflowBody;
}

/** Items that one node goes through at most. */
const mostItems = 10_000;

/** Runs its body once for each item of a list. */
export const foreach = defineNode<Params>({
  type: 'foreach',
  description: 'Runs its body once for each item of a list; expressions in it read `item` and `loop.index`.',
  params: {
    type: 'object',
    additionalProperties: false,
    required: ['items', 'body'],
    properties: {
      items: { type: 'array', maxItems: mostItems, description: `A list of at most ${mostItems} items.` },
      concurrency: { type: 'integer', minimum: 1, maximum: 100, description: 'Items at the same time, 1 to 100.' },
      on_item_error: {
        enum: ['fail', 'continue'],
        description: '"fail" stops at the first item that fails, "continue" goes on and tells which failed.',
      },
      body: bodySchema,
    },
  },
  output: {
    type: 'object',
    required: ['count', 'failed', 'results'],
    properties: {
      count: { type: 'integer' },
      failed: { type: 'integer' },
      results: { type: 'array', items: resultSchema, description: 'How each item ended, in the order of the items.' },
    },
  },
  raw: ['body'],
  bodies: ['body'],
  ports: () => ['default'],
  *run({ items, concurrency = 1, on_item_error: onItemError = 'fail', body }) {
    const count = items.length;
    const outcomes = (yield {
      kind: 'bodies',
      bodies: items.map((item, index) => ({ segment: String(index), body, item, loop: { index, count } })),
      concurrency,
      stopOnFailure: onItemError === 'fail',
    }) as unknown as BodyOutcome[];
    const failures = outcomes.flatMap((outcome, index) => (outcome.status === 'failed' ? [{ index, ...outcome }] : []));
    const [first] = failures;
    if (first && onItemError === 'fail') {
      const { index, error } = first;
      throw new NodeFailure('item_failed', `Item ${index} failed: ${error.message}`, { index, error });
    }
    return { output: { count, failed: failures.length, results: outcomes.map(toResult) } };
  },
});
