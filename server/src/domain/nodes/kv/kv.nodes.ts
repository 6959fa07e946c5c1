import type { Json } from '../../domain-error.ts';
import type { KvSteps } from '../../kv/kv-steps.ts';
import type { KvScope } from '../../kv/kv-entry.entity.ts';
import { parseDuration } from '../../language/duration.ts';
import { defineNode, NodeFailure, type NodeType } from '../node-type.ts';

interface Place {
  key: string;
  scope?: KvScope;
}

const place: Record<string, Json> = {
  key: {
    type: 'string',
    pattern: '^[A-Za-z0-9_.:-]{1,256}$',
    description: 'Letters, digits, "_", ".", ":" and "-"; at most 256.',
  },
  scope: {
    enum: ['organisation', 'group', 'workflow'],
    description: 'Whose values are meant; those of the workflow when absent.',
  },
};
const ttl: Json = {
  type: ['string', 'null'],
  format: 'duration-text',
  description: 'Time after which the value is gone, such as "1h"; never when absent.',
};
const ifVersion: Json = {
  type: 'integer',
  minimum: 0,
  description: 'The version that the entry must have; 0 when there must be none.',
};

function params(more: Record<string, Json>, ...required: string[]): Record<string, Json> {
  return {
    type: 'object',
    additionalProperties: false,
    required: ['key', ...required],
    properties: { ...place, ...more },
  };
}

function output(properties: Record<string, Json>): Record<string, Json> {
  return { type: 'object', required: Object.keys(properties), properties };
}

/** Reads a stored value. */
function kvGet(kv: KvSteps): NodeType {
  return defineNode<Place & { default?: Json }>({
    type: 'kv.get',
    description: 'Reads a stored value.',
    params: params({ default: { description: 'The value where none is stored; null when absent.' } }),
    output: output({ found: { type: 'boolean' }, value: {}, version: { type: 'integer' } }),
    ports: () => ['default'],
    *run({ key, scope = 'workflow', default: fallback = null }) {
      const entry = yield { kind: 'step', key: 'get', run: (context) => kv.get(context, scope, key) };
      const { found, value, version } = entry as { found: boolean; value: Json; version: number };
      return { output: { found, value: found ? value : fallback, version } };
    },
  });
}

/** Stores a value. */
function kvSet(kv: KvSteps): NodeType {
  return defineNode<Place & { value: Json; ttl?: string | null; if_version?: number }>({
    type: 'kv.set',
    description: 'Stores a value, by itself or in place of the version that was read.',
    params: params(
      { value: { description: 'Any JSON value, of at most 256 KiB.' }, ttl, if_version: ifVersion },
      'value',
    ),
    output: output({ version: { type: 'integer' } }),
    ports: () => ['default'],
    *run({ key, scope = 'workflow', value, ttl: life, if_version: version }) {
      const change = { value, ttl: seconds(life) ?? null, ...(version !== undefined && { ifVersion: version }) };
      return { output: yield { kind: 'step', key: 'set', run: (context) => kv.set(context, scope, key, change) } };
    },
  });
}

/** Appends to a stored list. */
function kvAppend(kv: KvSteps): NodeType {
  return defineNode<Place & { item: Json; max_items?: number; ttl?: string | null }>({
    type: 'kv.append',
    description: 'Appends an item to a stored list, which is made where there is none.',
    params: params(
      {
        item: { description: 'Any JSON value.' },
        max_items: {
          type: 'integer',
          minimum: 1,
          maximum: 100_000,
          description: 'How many of the last items are kept.',
        },
        ttl: {
          type: ['string', 'null'],
          format: 'duration-text',
          description: 'Time after which the list is gone; as before when absent, never when null.',
        },
      },
      'item',
    ),
    output: output({ version: { type: 'integer' }, length: { type: 'integer' } }),
    ports: () => ['default'],
    *run({ key, scope = 'workflow', item, max_items: maxItems, ttl: life }) {
      const end = seconds(life);
      const addition = { item, ...(maxItems !== undefined && { maxItems }), ...(end !== undefined && { ttl: end }) };
      const run = (context: Parameters<KvSteps['append']>[0]): Promise<Json> =>
        kv.append(context, scope, key, addition);
      return { output: yield { kind: 'step', key: 'append', run } };
    },
  });
}

/** Deletes a stored value. */
function kvDelete(kv: KvSteps): NodeType {
  return defineNode<Place & { if_version?: number }>({
    type: 'kv.delete',
    description: 'Deletes a stored value; one that is not there is no failure.',
    params: params({
      if_version: { ...(ifVersion as object), minimum: 1, description: 'The version that it must have.' },
    }),
    output: output({ deleted: { type: 'boolean' } }),
    ports: () => ['default'],
    *run({ key, scope = 'workflow', if_version: version }) {
      return {
        output: yield { kind: 'step', key: 'delete', run: (context) => kv.delete(context, scope, key, version) },
      };
    },
  });
}

/** The node types that read and write stored values. */
export function kvNodes(kv: KvSteps): NodeType[] {
  return [kvAppend(kv), kvDelete(kv), kvGet(kv), kvSet(kv)];
}

/** At least a second, since shorter lives are not kept. */
function seconds(ttl: string | null | undefined): number | null | undefined {
  if (ttl === undefined || ttl === null) return ttl;
  const milliseconds = parseDuration(ttl);
  if (milliseconds !== undefined && milliseconds > 0) return Math.max(1, Math.ceil(milliseconds / 1_000));
  throw new NodeFailure('invalid_params', `params.ttl is ${JSON.stringify(ttl)}, which is not a duration.`);
}
