import type { Json } from '../../domain-error.ts';
import { defineNode } from '../node-type.ts';

interface Params {
  status?: number;
  headers?: Record<string, string>;
  body?: Json;
}

/** Says what the execution answers, to a caller that waits or a webhook that triggered it. */
export const respond = defineNode<Params>({
  type: 'respond',
  description: 'Says what the execution answers.',
  params: {
    type: 'object',
    additionalProperties: false,
    properties: {
      status: { type: 'integer', minimum: 200, maximum: 599 },
      headers: {
        type: 'object',
        maxProperties: 50,
        propertyNames: { pattern: "^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$" },
        additionalProperties: { type: 'string', pattern: '^[\\t\\x20-\\x7e\\x80-\\xff]*$', maxLength: 8_000 },
        description: 'Names and values of HTTP headers, without line breaks.',
      },
      body: { description: 'Any JSON.' },
    },
  },
  output: {},
  ports: () => ['default'],
  // oxlint-disable-next-line require-yield -- a pure node asks the scheduler for nothing
  *run({ status = 200, headers = {}, body = null }) {
    return { output: body, response: { status, headers, body } };
  },
});
