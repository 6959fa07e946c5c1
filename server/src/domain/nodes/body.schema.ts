import type { Json } from '../domain-error.ts';
import type { BodyOutcome } from './node-type.ts';

/** JSON Schema of a body; what is inside is checked with the definition. */
export const bodySchema: Record<string, Json> = {
  type: 'object',
  required: ['nodes'],
  properties: {
    nodes: { type: 'array', minItems: 1, description: 'The nodes of the body, as those of a workflow.' },
    edges: { type: 'array', description: 'The edges between them.' },
    output: { description: 'Template of the result of one run; the outputs of the last nodes, by id, when absent.' },
  },
};

/** JSON Schema of how one run through a body ended. */
export const resultSchema: Record<string, Json> = {
  type: 'object',
  required: ['status', 'output', 'error'],
  properties: {
    status: { enum: ['completed', 'failed', 'cancelled'] },
    output: {},
    error: { type: ['object', 'null'] },
  },
};

/** How one run through a body ended, as outputs show it. */
export function toResult(outcome: BodyOutcome): Json {
  return {
    status: outcome.status,
    output: outcome.status === 'completed' ? outcome.output : null,
    error: outcome.status === 'failed' ? outcome.error : null,
  };
}
