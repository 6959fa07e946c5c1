import type { Json } from '../../domain-error.ts';
import { type CallAnswer, defineNode, NodeFailure } from '../node-type.ts';

interface Params {
  workflow_id: string;
  input?: Record<string, Json>;
  wait?: boolean;
}

/** Runs another workflow. */
export const workflowCall = defineNode<Params>({
  type: 'workflow.call',
  description: 'Runs another workflow of the organisation in its published version.',
  params: {
    type: 'object',
    additionalProperties: false,
    required: ['workflow_id'],
    properties: {
      workflow_id: {
        type: 'string',
        pattern: '^wf_[0-7][0-9a-hjkmnp-tv-z]{25}$',
        description: 'Id of the workflow, wf_ and 26 characters.',
      },
      input: { type: 'object', description: 'What the other execution reads as `input`.' },
      wait: {
        type: 'boolean',
        description:
          'Whether to go on when the other execution has ended (so when absent), or at once. One that is waited for is cancelled with its caller.',
      },
    },
  },
  output: {
    type: 'object',
    required: ['execution_id', 'status', 'output'],
    properties: { execution_id: { type: 'string' }, status: { type: 'string' }, output: {} },
  },
  ports: () => ['default'],
  *run({ workflow_id: workflowId, input = {}, wait = true }) {
    const answer = (yield { kind: 'call', workflowId, input, wait }) as unknown as CallAnswer;
    const { execution_id: executionId, status, output, error } = answer;
    if (wait && status !== 'completed') {
      const reason = (error as { message?: string } | null)?.message ?? `it is ${status}`;
      const details = { execution_id: executionId, status, error };
      throw new NodeFailure('call_failed', `Execution ${executionId} did not complete: ${reason}`, details);
    }
    return { output: { execution_id: executionId, status, output } };
  },
});
