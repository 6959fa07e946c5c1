import { isDeepStrictEqual } from 'node:util';
import type { Json } from '../../domain-error.ts';
import { defineNode } from '../node-type.ts';

interface Params {
  value?: Json;
  cases?: { port: string; equals: Json }[];
}

/** Leaves by the port of the first case that the value equals, else by `default`; without cases, by the port that the value names. */
export const switchNode = defineNode<Params>({
  type: 'switch',
  description: 'Goes on by one of several ports, by a value or by the conditions of its edges.',
  params: {
    type: 'object',
    additionalProperties: false,
    properties: {
      value: { description: 'What is compared. Without cases it names the port itself.' },
      cases: {
        type: 'array',
        minItems: 1,
        maxItems: 100,
        items: {
          type: 'object',
          additionalProperties: false,
          required: ['port', 'equals'],
          properties: {
            port: { type: 'string', pattern: '^[A-Za-z0-9_-]{1,64}$', description: 'Letters, digits, _ and -.' },
            equals: { description: 'The value that leads to this port.' },
          },
        },
      },
    },
  },
  output: { type: 'object', required: ['port'], properties: { port: { type: 'string' }, value: {} } },
  firing: 'first',
  ports: ({ value, cases }) => {
    if (Array.isArray(cases)) return [...cases.map((item) => String((item as { port?: Json }).port)), 'default'];
    return value === undefined ? ['default'] : 'any';
  },
  // oxlint-disable-next-line require-yield -- a pure node asks the scheduler for nothing
  *run({ value = null, cases }) {
    const port = cases ? cases.find((item) => isDeepStrictEqual(item.equals, value))?.port : named(value);
    return { output: { port: port ?? 'default', value }, port: port ?? 'default' };
  },
});

/** `error` is where failures go, so no value leads there. */
function named(value: Json): string | undefined {
  const isName = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
  return isName && value !== 'error' ? String(value) : undefined;
}
