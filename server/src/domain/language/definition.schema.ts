import type { Json } from '../domain-error.ts';

const text: Json = { type: 'string', maxLength: 65_536 };
const short: Json = { type: 'string', minLength: 1, maxLength: 200 };

/** The shape of a definition: what is where and of which type. What it means is for `validateDefinition`. */
export const definitionSchema: Record<string, Json> = {
  type: 'object',
  additionalProperties: false,
  required: ['nodes', 'edges'],
  properties: {
    nodes: { type: 'array', items: { $ref: '#/$defs/node' } },
    edges: { type: 'array', items: { $ref: '#/$defs/edge' } },
    input_schema: { type: 'object' },
    output: {},
    variables: { type: 'object' },
    settings: {
      type: 'object',
      additionalProperties: false,
      properties: {
        timeout: short,
        concurrency: { type: 'integer', minimum: 1, maximum: 10_000 },
        on_failure: { enum: ['fail', 'continue'] },
      },
    },
  },
  $defs: {
    node: {
      type: 'object',
      additionalProperties: false,
      required: ['id', 'type', 'params'],
      properties: {
        id: short,
        type: short,
        name: { type: 'string', maxLength: 200 },
        params: { type: 'object' },
        when: text,
        join: {
          anyOf: [{ enum: ['all', 'any'] }, { type: 'integer', minimum: 1 }],
          description: 'Use "all", "any" or a number.',
        },
        retry: { $ref: '#/$defs/retry' },
        timeout: short,
        on_error: { enum: ['fail', 'continue', 'route'] },
        position: {
          type: 'object',
          additionalProperties: false,
          required: ['x', 'y'],
          properties: { x: { type: 'number' }, y: { type: 'number' } },
        },
      },
    },
    retry: {
      type: 'object',
      additionalProperties: false,
      required: ['max_attempts'],
      properties: {
        max_attempts: { type: 'integer', minimum: 1, maximum: 100 },
        backoff: { enum: ['constant', 'exponential'] },
        initial: short,
        max: short,
        jitter: { type: 'number', minimum: 0, maximum: 1 },
        on: { type: 'array', items: short, maxItems: 50 },
      },
    },
    edge: {
      type: 'object',
      additionalProperties: false,
      required: ['id', 'from', 'to', 'port'],
      properties: {
        id: short,
        from: short,
        to: short,
        port: short,
        when: text,
        priority: { type: 'integer', minimum: -1_000_000, maximum: 1_000_000 },
      },
    },
  },
};
