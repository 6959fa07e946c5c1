import type { Json } from '../../domain-error.ts';
import { parseDuration } from '../../language/duration.ts';
import { defineNode, type WaitAnswer } from '../node-type.ts';

interface Params {
  timeout?: string;
  payload_schema?: Record<string, Json>;
}

/** Waits until somebody calls its callback URL. */
export const waitEvent = defineNode<Params>({
  type: 'wait.event',
  description:
    'Waits for a call of its callback URL, which expressions read as `execution.callbacks.<id of this node>`, also before the node begins.',
  params: {
    type: 'object',
    additionalProperties: false,
    properties: {
      timeout: {
        type: 'string',
        format: 'duration-text',
        description:
          'How long to wait, for example "2h" or "3d"; for ever when absent. Then it goes on by port timeout.',
      },
      payload_schema: { type: 'object', description: 'JSON Schema that the body of the call must satisfy.' },
    },
  },
  output: {
    type: 'object',
    required: ['payload', 'received_at'],
    properties: { payload: {}, received_at: { type: ['string', 'null'] } },
  },
  schemas: ['payload_schema'],
  ports: () => ['default', 'timeout'],
  *run({ timeout, payload_schema: payloadSchema }) {
    const answer = (yield {
      kind: 'wait',
      for: 'event',
      ...(timeout !== undefined && { timeout: parseDuration(timeout)! }),
      ...(payloadSchema && { payloadSchema }),
    }) as unknown as WaitAnswer | null;
    if (!answer) return { output: { payload: null, received_at: null }, port: 'timeout' };
    return { output: { payload: answer.payload, received_at: answer.at } };
  },
});
