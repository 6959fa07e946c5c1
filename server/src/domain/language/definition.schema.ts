import type { Json } from '../domain-error.ts';

/** What a definition may hold at most. */
export const limits = {
  /** Of the workflow and all bodies in it. */
  nodes: 500,
  edges: 5_000,
  expressions: 5_000,
  bytes: 1024 * 1024,
  depth: 64,
  /** Bodies within bodies. */
  nesting: 5,
} as const;

const expression: Json = { type: 'string', maxLength: 65_536 };
const id: Json = { type: 'string', minLength: 1, maxLength: 200 };
const duration: Json = { type: 'string', minLength: 1, maxLength: 200 };

const parts: Record<string, Json> = {
  node: {
    type: 'object',
    additionalProperties: false,
    required: ['id', 'type', 'params'],
    properties: {
      id,
      type: { type: 'string', minLength: 1, maxLength: 200 },
      name: { type: 'string', maxLength: 200 },
      params: { type: 'object' },
      when: expression,
      join: {
        anyOf: [{ enum: ['all', 'any'] }, { type: 'integer', minimum: 1, maximum: 500 }],
        description: 'Use "all", "any" or a number.',
      },
      retry: { $ref: '#/$defs/retry' },
      timeout: duration,
      on_error: { enum: ['fail', 'continue', 'route'] },
      needs_approval: { type: 'boolean' },
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
      initial: duration,
      max: duration,
      jitter: { type: 'number', minimum: 0, maximum: 1 },
      on: { type: 'array', items: { type: 'string', minLength: 1, maxLength: 200 }, maxItems: 50 },
    },
  },
  edge: {
    type: 'object',
    additionalProperties: false,
    required: ['id', 'from', 'to', 'port'],
    properties: {
      id,
      from: id,
      to: id,
      port: id,
      when: expression,
      priority: { type: 'integer', minimum: -1_000_000, maximum: 1_000_000 },
    },
  },
};

const graph: Record<string, Json> = {
  nodes: { type: 'array', maxItems: limits.nodes, items: { $ref: '#/$defs/node' } },
  edges: { type: 'array', maxItems: limits.edges, items: { $ref: '#/$defs/edge' } },
  output: {},
};

/** The shape of a definition: what is where and of which type. What it means is for `validateDefinition`. */
export const definitionSchema: Record<string, Json> = {
  type: 'object',
  additionalProperties: false,
  required: ['nodes', 'edges'],
  properties: {
    ...graph,
    input_schema: { type: 'object' },
    variables: { type: 'object', maxProperties: 500 },
    settings: {
      type: 'object',
      additionalProperties: false,
      properties: {
        timeout: duration,
        concurrency: { type: 'integer', minimum: 1, maximum: 10_000 },
        on_failure: { enum: ['fail', 'continue'] },
      },
    },
  },
  $defs: parts,
};

/** The shape of a body inside a node. */
export const bodySchema: Record<string, Json> = {
  type: 'object',
  additionalProperties: false,
  required: ['nodes', 'edges'],
  properties: graph,
  $defs: parts,
};
