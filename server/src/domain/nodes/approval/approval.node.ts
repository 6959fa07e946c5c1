import type { Json } from '../../domain-error.ts';
import { parseDuration } from '../../language/duration.ts';
import { defineNode, type WaitAnswer } from '../node-type.ts';

interface Params {
  message: string;
  details?: Json;
  timeout?: string;
}

/** Waits until somebody approves or declines. */
export const approval = defineNode<Params>({
  type: 'approval',
  description: 'Waits until somebody approves or declines, and goes on by port approved, declined or timeout.',
  params: {
    type: 'object',
    additionalProperties: false,
    required: ['message'],
    properties: {
      message: { type: 'string', minLength: 1, maxLength: 2_000, description: 'What the approvers are asked.' },
      details: { description: 'What they need to know to decide; any JSON.' },
      timeout: {
        type: 'string',
        format: 'duration-text',
        description: 'How long to wait, for example "2h" or "3d"; for ever when absent.',
      },
    },
  },
  output: {
    type: 'object',
    required: ['decision', 'decided_by', 'decided_at', 'note'],
    properties: {
      decision: { enum: ['approved', 'declined', 'timeout'] },
      decided_by: { type: ['string', 'null'] },
      decided_at: { type: ['string', 'null'] },
      note: { type: ['string', 'null'] },
    },
  },
  ports: () => ['approved', 'declined', 'timeout'],
  *run({ message, details, timeout }) {
    const answer = (yield {
      kind: 'wait',
      for: 'approval',
      message,
      ...(details !== undefined && { details }),
      ...(timeout !== undefined && { timeout: parseDuration(timeout)! }),
    }) as unknown as WaitAnswer | null;
    const decision = answer?.status === 'approved' ? 'approved' : answer ? 'declined' : 'timeout';
    const { decided_by = null, at: decided_at = null, note = null } = answer ?? {};
    return { output: { decision, decided_by, decided_at, note }, port: decision };
  },
});
