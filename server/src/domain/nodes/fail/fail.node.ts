import type { Json } from '../../domain-error.ts';
import { defineNode, NodeFailure } from '../node-type.ts';

interface Params {
  message: string;
  code?: string;
  details?: Record<string, Json>;
}

/** Fails, with a message and a code of the author's choice. */
export const fail = defineNode<Params>({
  type: 'fail',
  description: 'Fails, with a message and a code of your choice.',
  params: {
    type: 'object',
    additionalProperties: false,
    required: ['message'],
    properties: {
      message: { type: 'string', minLength: 1, maxLength: 2_000 },
      code: { type: 'string', pattern: '^[a-z][a-z0-9_]{0,63}$', description: 'snake_case; "failed" when absent.' },
      details: { type: 'object' },
    },
  },
  output: {},
  ports: () => [],
  // oxlint-disable-next-line require-yield -- a pure node asks the scheduler for nothing
  *run({ message, code = 'failed', details = {} }) {
    throw new NodeFailure(code, message, details);
  },
});
