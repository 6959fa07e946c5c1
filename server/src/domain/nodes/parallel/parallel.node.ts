import type { WorkflowBody } from '../../language/definition.ts';
import { bodySchema, resultSchema, toResult } from '../body.schema.ts';
import { type BodyOutcome, defineNode, NodeFailure } from '../node-type.ts';

interface Params {
  branches: Readonly<Record<string, WorkflowBody>>;
  on_branch_error?: 'fail' | 'continue';
}

/** Runs several bodies at the same time. */
export const parallel = defineNode<Params>({
  type: 'parallel',
  description: 'Runs several branches at the same time, and goes on when all have ended.',
  params: {
    type: 'object',
    additionalProperties: false,
    required: ['branches'],
    properties: {
      branches: {
        type: 'object',
        minProperties: 1,
        maxProperties: 50,
        propertyNames: { pattern: '^[a-z][a-z0-9_]{0,63}$' },
        additionalProperties: bodySchema,
        description: 'Name and body of each, at most 50; names are lower-case letters, digits and underscores.',
      },
      on_branch_error: {
        enum: ['fail', 'continue'],
        description: '"fail" stops the others when one fails, "continue" lets them end and tells which failed.',
      },
    },
  },
  output: {
    type: 'object',
    required: ['failed', 'results'],
    properties: {
      failed: { type: 'integer' },
      results: { type: 'object', additionalProperties: resultSchema, description: 'How each branch ended, by name.' },
    },
  },
  raw: ['branches'],
  bodies: ['branches'],
  ports: () => ['default'],
  *run({ branches, on_branch_error: onBranchError = 'fail' }) {
    const names = Object.keys(branches).sort();
    const outcomes = (yield {
      kind: 'bodies',
      bodies: names.map((name) => ({ segment: name, body: branches[name]! })),
      concurrency: names.length,
      stopOnFailure: onBranchError === 'fail',
    }) as unknown as BodyOutcome[];
    const failed = outcomes.filter(({ status }) => status === 'failed').length;
    const first = outcomes.findIndex(({ status }) => status === 'failed');
    const outcome = outcomes[first];
    if (onBranchError === 'fail' && outcome?.status === 'failed') {
      const branch = names[first]!;
      const { error } = outcome;
      throw new NodeFailure('branch_failed', `Branch ${branch} failed: ${error.message}`, { branch, error });
    }
    const results = Object.fromEntries(names.map((name, index) => [name, toResult(outcomes[index]!)]));
    return { output: { failed, results } };
  },
});
