import type { Json } from '../../domain-error.ts';
import { defineNode } from '../node-type.ts';

interface Params {
  source: string;
  args?: Json;
}

/** Runs JavaScript in the sandbox: 5 s, 64 MB, no clock, no network. */
export const code = defineNode<Params>({
  type: 'code',
  description: 'Runs JavaScript in a sandbox; what it returns is the output.',
  params: {
    type: 'object',
    additionalProperties: false,
    required: ['source'],
    properties: {
      source: { type: 'string', minLength: 1, maxLength: 65_536, description: 'The body of an async function.' },
      args: { description: 'Read in the source as `args`.' },
    },
  },
  output: {},
  raw: ['source'],
  programs: ['source'],
  ports: () => ['default'],
  *run({ source, args = null }) {
    return { output: yield { kind: 'evaluate', template: source, program: true, locals: { args } } };
  },
});
