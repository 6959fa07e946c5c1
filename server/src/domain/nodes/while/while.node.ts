import type { Json } from '../../domain-error.ts';
import { asTemplate } from '../../language/evaluator.ts';
import type { WorkflowBody } from '../../language/definition.ts';
import { bodySchema } from '../body.schema.ts';
import { type BodyOutcome, defineNode, NodeFailure } from '../node-type.ts';

interface Params {
  condition: string | boolean;
  limit?: number;
  body: WorkflowBody;
}

const defaultLimit = 100;
const mostIterations = 10_000;

/** Runs its body again and again, while the condition holds. */
export const whileNode = defineNode<Params>({
  type: 'while',
  description: 'Runs its body as long as a condition holds; both read `loop.index` and `loop.last`, the latest result.',
  params: {
    type: 'object',
    additionalProperties: false,
    required: ['condition', 'body'],
    properties: {
      condition: {
        type: ['string', 'boolean'],
        description: 'JavaScript, with or without {{ }}; asked before each time.',
      },
      limit: {
        type: 'integer',
        minimum: 1,
        maximum: mostIterations,
        description: `How often the body runs at most, 1 to ${mostIterations}; ${defaultLimit} when absent.`,
      },
      body: bodySchema,
    },
  },
  output: {
    type: 'object',
    required: ['iterations', 'last'],
    properties: { iterations: { type: 'integer' }, last: {} },
  },
  raw: ['condition', 'body'],
  expressions: ['condition'],
  bodies: ['body'],
  locals: ['loop'],
  ports: () => ['default'],
  *run({ condition, limit = defaultLimit, body }) {
    let last: Json = null;
    for (let index = 0; ; index++) {
      const loop = { index, last };
      const template = typeof condition === 'boolean' ? condition : asTemplate(condition);
      const holds: Json = yield { kind: 'evaluate', template, locals: { loop } };
      if (!holds) return { output: { iterations: index, last } };
      if (index >= limit) {
        throw new NodeFailure('loop_limit_reached', `The condition still holds after ${limit} times.`, { limit });
      }
      const bodies = [{ segment: String(index), body, loop }];
      const outcomes = yield { kind: 'bodies', bodies, concurrency: 1, stopOnFailure: true };
      const [outcome] = outcomes as unknown as BodyOutcome[];
      if (outcome!.status === 'failed') {
        const { error } = outcome!;
        throw new NodeFailure('iteration_failed', `Time ${index} failed: ${error.message}`, { index, error });
      }
      last = (outcome as { output: Json }).output;
    }
  },
});
