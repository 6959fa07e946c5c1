import { Injectable } from '@nestjs/common';
import type { Caller } from '../caller.ts';
import { type Json, ResourceNotFoundError, ValidationFailedError } from '../domain-error.ts';
import {
  type DefinitionProblem,
  parseDefinition,
  type WorkflowDefinition,
  type WorkflowEdge,
  type WorkflowNode,
} from '../language/index.ts';
import { type Page, type PageRequest, rangeOf } from '../page.ts';
import { WorkflowService } from './workflow.service.ts';

/** Where a change of a draft was made from. */
export interface DraftPlace {
  readonly workflowId: string;
  /** The revision that the change was made from; whichever is there when absent. */
  readonly revision?: number;
}

/** A part of the draft after a change. */
export interface DraftChange<Part> {
  readonly part: Part;
  /** What keeps the part from being published. */
  readonly problems: readonly DefinitionProblem[];
  /** Of the workflow, after the change. */
  readonly revision: number;
}

/** What a deletion took out of the draft. */
export interface DraftRemoval {
  readonly removedEdges: readonly string[];
  /** Of the workflow, after the change. */
  readonly revision: number;
}

/**
 * The nodes and edges of a draft one by one. Every method throws ResourceNotFoundError; those that change throw
 * RevisionConflictError, WorkflowArchivedError, and ValidationFailedError for a part that the draft cannot hold: not
 * well-formed, an id that is taken, an edge to a node that is not there.
 */
@Injectable()
export class DraftService {
  constructor(private readonly workflows: WorkflowService) {}

  async nodes(organisationId: string, workflowId: string, page: PageRequest): Promise<Page<WorkflowNode>> {
    return pageOf((await this.#draft(organisationId, workflowId)).nodes, page);
  }

  async node(organisationId: string, workflowId: string, id: string): Promise<WorkflowNode> {
    const { nodes } = await this.#draft(organisationId, workflowId);
    return nodes[placeOf(nodes, 'node', id)]!;
  }

  addNode(caller: Caller, place: DraftPlace, node: Json): Promise<DraftChange<WorkflowNode>> {
    return this.#changeNode(caller, place, node, (draft) => draft.nodes.length);
  }

  /** With another id the node is renamed, and its edges follow. */
  replaceNode(caller: Caller, place: DraftPlace, id: string, node: Json): Promise<DraftChange<WorkflowNode>> {
    return this.#changeNode(caller, place, node, ({ nodes }) => placeOf(nodes, 'node', id));
  }

  /** Its edges go with it. */
  async removeNode(caller: Caller, { workflowId, revision }: DraftPlace, id: string): Promise<DraftRemoval> {
    const removed: string[] = [];
    const workflow = await this.workflows.changeDraft(caller, workflowId, revision, (draft) => {
      const index = placeOf(draft.nodes, 'node', id);
      const touches = ({ from, to }: WorkflowEdge): boolean => from === id || to === id;
      removed.push(...draft.edges.filter(touches).map((edge) => edge.id));
      return {
        ...draft,
        nodes: draft.nodes.toSpliced(index, 1),
        edges: draft.edges.filter((edge) => !touches(edge)),
      };
    });
    return { removedEdges: removed, revision: workflow.revision };
  }

  async edges(organisationId: string, workflowId: string, page: PageRequest): Promise<Page<WorkflowEdge>> {
    return pageOf((await this.#draft(organisationId, workflowId)).edges, page);
  }

  async edge(organisationId: string, workflowId: string, id: string): Promise<WorkflowEdge> {
    const { edges } = await this.#draft(organisationId, workflowId);
    return edges[placeOf(edges, 'edge', id)]!;
  }

  addEdge(caller: Caller, place: DraftPlace, edge: Json): Promise<DraftChange<WorkflowEdge>> {
    return this.#changeEdge(caller, place, edge, (draft) => draft.edges.length);
  }

  replaceEdge(caller: Caller, place: DraftPlace, id: string, edge: Json): Promise<DraftChange<WorkflowEdge>> {
    return this.#changeEdge(caller, place, edge, ({ edges }) => placeOf(edges, 'edge', id));
  }

  async removeEdge(caller: Caller, { workflowId, revision }: DraftPlace, id: string): Promise<DraftRemoval> {
    const workflow = await this.workflows.changeDraft(caller, workflowId, revision, (draft) => ({
      ...draft,
      edges: draft.edges.toSpliced(placeOf(draft.edges, 'edge', id), 1),
    }));
    return { removedEdges: [id], revision: workflow.revision };
  }

  /** Puts the node at an index of the draft's nodes: in place of the one there, or behind the last. */
  async #changeNode(
    caller: Caller,
    { workflowId, revision }: DraftPlace,
    json: Json,
    indexIn: (draft: WorkflowDefinition) => number,
  ): Promise<DraftChange<WorkflowNode>> {
    const node = nodeOf(json);
    const workflow = await this.workflows.changeDraft(caller, workflowId, revision, (draft) => {
      const index = indexIn(draft);
      const former = draft.nodes[index]?.id;
      assertFree(draft.nodes, index, 'node', node.id);
      const follow = (id: string): string => (id === former ? node.id : id);
      return {
        ...draft,
        nodes: placed(draft.nodes, index, node),
        edges: draft.edges.map((edge) => ({ ...edge, from: follow(edge.from), to: follow(edge.to) })),
      };
    });
    const problems = this.workflows.problems(workflow.definition).filter((problem) => problem.node === node.id);
    return { part: node, problems, revision: workflow.revision };
  }

  async #changeEdge(
    caller: Caller,
    { workflowId, revision }: DraftPlace,
    json: Json,
    indexIn: (draft: WorkflowDefinition) => number,
  ): Promise<DraftChange<WorkflowEdge>> {
    const edge = edgeOf(json);
    const workflow = await this.workflows.changeDraft(caller, workflowId, revision, (draft) => {
      const index = indexIn(draft);
      assertFree(draft.edges, index, 'edge', edge.id);
      assertEnds(draft, edge);
      return { ...draft, edges: placed(draft.edges, index, edge) };
    });
    const problems = this.workflows.problems(workflow.definition).filter((problem) => problem.edge === edge.id);
    return { part: edge, problems, revision: workflow.revision };
  }

  async #draft(organisationId: string, workflowId: string): Promise<WorkflowDefinition> {
    return (await this.workflows.get(organisationId, workflowId)).definition;
  }
}

function pageOf<Part>(parts: readonly Part[], page: PageRequest): Page<Part> {
  const { offset, limit } = rangeOf(page);
  return { items: parts.slice(offset, offset + limit), total: parts.length };
}

function placeOf(parts: readonly { id: string }[], resource: string, id: string): number {
  const index = parts.findIndex((part) => part.id === id);
  if (index === -1) throw new ResourceNotFoundError(resource, id);
  return index;
}

function placed<Part>(parts: readonly Part[], index: number, part: Part): Part[] {
  return parts.toSpliced(index, 1, part);
}

function nodeOf(json: Json): WorkflowNode {
  return wellFormed({ nodes: [json], edges: [] }, 'nodes[0]').nodes[0]!;
}

function edgeOf(json: Json): WorkflowEdge {
  return wellFormed({ nodes: [], edges: [json] }, 'edges[0]').edges[0]!;
}

/** A definition around one part; what is wrong with it is told as seen from the part, which stands at `at`. */
function wellFormed(json: Json, at: string): WorkflowDefinition {
  const { definition, problems } = parseDefinition(json);
  if (definition) return definition;
  const errors = problems.map(({ field, message, hint }) => ({
    field: field.startsWith(at) ? field.slice(at.length).replace(/^\./, '') : field,
    message,
    hint,
    location: 'body' as const,
  }));
  throw new ValidationFailedError(`The ${at.replace('s[0]', '')} is not well-formed.`, errors);
}

function assertFree(parts: readonly { id: string }[], index: number, kind: string, id: string): void {
  if (!parts.some((part, other) => part.id === id && other !== index)) return;
  refuse('id', `is taken: the draft has a ${kind} ${id} already`);
}

function assertEnds({ nodes }: WorkflowDefinition, edge: WorkflowEdge): void {
  for (const end of ['from', 'to'] as const) {
    if (!nodes.some(({ id }) => id === edge[end])) refuse(end, `names no node of the draft: ${edge[end]}`);
  }
}

function refuse(field: string, message: string): never {
  throw new ValidationFailedError('The draft cannot hold this.', [{ field, message, location: 'body' }]);
}
