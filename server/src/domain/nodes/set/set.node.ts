import type { Json } from '../../domain-error.ts';
import { defineNode } from '../node-type.ts';

interface Params {
  values: Record<string, Json>;
}

/** Gives names to values: as its output, and as `variables` for the nodes after it. */
export const set = defineNode<Params>({
  type: 'set',
  description: 'Gives names to values, for the nodes after it to read.',
  params: {
    type: 'object',
    additionalProperties: false,
    required: ['values'],
    properties: {
      values: {
        type: 'object',
        minProperties: 1,
        propertyNames: { pattern: '^[A-Za-z_][A-Za-z0-9_]{0,63}$' },
        description: 'Name and value of each; names are letters, digits and underscores.',
      },
    },
  },
  output: { type: 'object' },
  ports: () => ['default'],
  // oxlint-disable-next-line require-yield -- a pure node asks the scheduler for nothing
  *run({ values }) {
    return { output: values, variables: values };
  },
});
