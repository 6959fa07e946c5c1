import { asTemplate } from '../../language/evaluator.ts';
import { defineNode } from '../node-type.ts';

interface Params {
  expression: string | boolean;
}

/** Leaves by `true` or `false`. */
export const condition = defineNode<Params>({
  type: 'condition',
  description: 'Goes on by port true or false.',
  params: {
    type: 'object',
    additionalProperties: false,
    required: ['expression'],
    properties: {
      expression: {
        type: ['string', 'boolean'],
        description: 'JavaScript, with or without {{ }}; what counts as true there counts as true here.',
      },
    },
  },
  output: { type: 'object', required: ['result'], properties: { result: { type: 'boolean' } } },
  raw: ['expression'],
  expressions: ['expression'],
  ports: () => ['true', 'false'],
  *run({ expression }) {
    const value =
      typeof expression === 'boolean' ? expression : yield { kind: 'evaluate', template: asTemplate(expression) };
    const result = Boolean(value);
    return { output: { result }, port: String(result) };
  },
});
