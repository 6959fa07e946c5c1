import type { Json } from '../../domain-error.ts';
import { defineNode } from '../node-type.ts';

interface Params {
  value: Json;
}

/** Shapes a new value from what is there. */
export const transform = defineNode<Params>({
  type: 'transform',
  description: 'Shapes a new value; its expressions do the work.',
  params: {
    type: 'object',
    additionalProperties: false,
    required: ['value'],
    properties: { value: { description: 'Any JSON, with {{ expressions }} at its leaves.' } },
  },
  output: {},
  ports: () => ['default'],
  // oxlint-disable-next-line require-yield -- a pure node asks the scheduler for nothing
  *run({ value }) {
    return { output: value };
  },
});
