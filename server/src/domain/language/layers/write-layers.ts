import { isDeepStrictEqual } from 'node:util';
import type { WorkflowNode } from '../definition.ts';
import type { WorkflowDocument } from '../yaml/workflow-document.ts';
import { toFilters } from './filters.ts';
import { impliedEdges, layerIndexes } from './layer-order.ts';
import { toLayerRetry, toLayerTimeout } from './layer-policies.ts';
import type { Layer, LayersDocument } from './layers-document.ts';

/** Writes a workflow as layers that `readLayers` reads back to the same document. */
export function writeLayers({ definition, ...described }: WorkflowDocument): LayersDocument {
  const { nodes, edges, ...rest } = definition;
  const indexes = layerIndexes(nodes, edges);
  const implied = impliedEdges(nodes.map(({ id, when }, position) => ({ id, when, index: indexes[position]! })));
  return {
    ...described,
    layers: nodes.map((node, position) => toLayer(node, indexes[position]!)),
    ...(!isDeepStrictEqual(implied, edges) && { edges }),
    ...rest,
  };
}

function toLayer({ id, type, retry, timeout, when, ...rest }: WorkflowNode, index: number): Layer {
  const filters = when === undefined ? undefined : toFilters(when);
  return {
    id,
    index,
    type,
    ...rest,
    ...(filters ? { filters } : when !== undefined && { when }),
    ...(retry && { retry: toLayerRetry(retry) }),
    ...(timeout !== undefined && { timeout: toLayerTimeout(timeout) }),
  };
}
