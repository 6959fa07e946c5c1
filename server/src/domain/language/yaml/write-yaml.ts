import { isDeepStrictEqual } from 'node:util';
import { stringify } from 'yaml';
import type { Json } from '../../domain-error.ts';
import { allNodes } from '../bodies.ts';
import type { WorkflowBody, WorkflowDefinition, WorkflowEdge, WorkflowNode } from '../definition.ts';
import type { NodeTypes } from '../node-types.ts';
import { freeEdgeId } from '../parse-definition.ts';
import { nodeIdPattern } from '../rules/node-rules.ts';
import { mapParams, mapText, readOwnYaml, type Rewriting } from './read-yaml.ts';
import type { WorkflowDocument } from './workflow-document.ts';
import { toYamlCondition, toYamlText } from './yaml-text.ts';

/** How many values are still printed for people to read. */
const mostValues = 50_000;

/**
 * Writes a workflow as YAML that `readYaml` reads back to the same document: nodes as a map with `next` and `${ }` where
 * that loses nothing, else (unfinished drafts with double ids, say) as the canonical lists.
 */
export function writeYaml(document: WorkflowDocument, types: NodeTypes): string {
  const list = document.definition as unknown as Record<string, Json>;
  // JSON is YAML, and printing the other form of so much takes seconds.
  if (JSON.stringify(list).split(/[,:[{]/).length > mostValues) return JSON.stringify(asText(document, list), null, 1);
  const map = hasProperIds(document.definition) ? asMap(document.definition, types) : list;
  const given = plain(document);
  // Block text is easier to read, but some text made of white space does not survive it.
  const forms = [map, list].flatMap((definition) => [
    print(document, definition, true),
    print(document, definition, false),
  ]);
  return forms.find((text) => isDeepStrictEqual(plain(readOwnYaml(text, types).document), given)) ?? forms.at(-1)!;
}

function hasProperIds(definition: WorkflowDefinition): boolean {
  const ids = [...allNodes(definition)].map(({ node }) => node.id);
  return new Set(ids).size === ids.length && ids.every((id) => nodeIdPattern.test(id));
}

function print(document: WorkflowDocument, definition: Record<string, Json>, blockQuote: boolean): string {
  const options = { version: '1.2', schema: 'core', lineWidth: 0, aliasDuplicateObjects: false, blockQuote } as const;
  return stringify(asText(document, definition), options);
}

function asText({ name, description, tags }: WorkflowDocument, definition: Record<string, Json>): Record<string, Json> {
  const metadata = { name, ...(description !== undefined && { description }), ...(tags !== undefined && { tags }) };
  return { metadata, ...definition };
}

function asMap(definition: WorkflowBody, types: NodeTypes): Record<string, Json> {
  const { nodes, edges, output, ...rest } = definition;
  const taken = new Set<string>();
  const targets = new Map<string, Map<string, Json[]>>();
  for (const edge of edges) {
    const ports = targets.get(edge.from) ?? new Map<string, Json[]>();
    targets.set(edge.from, ports.set(edge.port, [...(ports.get(edge.port) ?? []), target(edge, taken)]));
  }
  return {
    nodes: Object.fromEntries(nodes.map((node) => [node.id, asMapNode(node, targets.get(node.id), types)])),
    ...(output !== undefined && { output: mapText(output, toYamlText) }),
    ...(rest as Record<string, Json>),
  };
}

function asMapNode(node: WorkflowNode, ports: ReadonlyMap<string, Json[]> | undefined, types: NodeTypes): Json {
  const { id: _, params, when, ...rest } = node;
  return {
    ...(rest as unknown as Record<string, Json>),
    ...(when !== undefined && { when: toYamlCondition(when) }),
    params: mapParams(params, node.type, types, toYaml(types)),
    ...(ports && {
      next: Object.fromEntries([...ports].map(([port, list]) => [port, list.length === 1 ? list[0]! : list])),
    }),
  };
}

function toYaml(types: NodeTypes): Rewriting {
  return {
    text: toYamlText,
    condition: toYamlCondition,
    body: (body) => asMap(body as unknown as WorkflowBody, types),
  };
}

/** The id alone where the reader will fill in the rest as it was. */
function target(edge: WorkflowEdge, taken: Set<string>): Json {
  const { id, from, to, port, when, ...rest } = edge;
  const isImplied = freeEdgeId(taken, from, port, to) === id;
  if (isImplied && when === undefined && Object.keys(rest).length === 0) return to;
  return { to, ...(!isImplied && { id }), ...(when !== undefined && { when: toYamlCondition(when) }), ...rest };
}

/** Without what JSON leaves out. */
function plain(value: unknown): unknown {
  return value === undefined ? value : JSON.parse(JSON.stringify(value));
}
