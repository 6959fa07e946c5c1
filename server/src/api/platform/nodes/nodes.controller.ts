import { Controller } from '@nestjs/common';
import * as contract from '#generated/platform/index.ts';
import type { Caller } from '../../../domain/caller.ts';
import { type Json, ResourceNotFoundError } from '../../../domain/domain-error.ts';
import { NodeRegistry } from '../../../domain/nodes/index.ts';
import { DraftService } from '../../../domain/workflow/draft.service.ts';
import { CurrentCaller } from '../../../platform/auth/current-caller.ts';
import { toPagePagination } from '../page-pagination.ts';
import { toEdgeChange, toNode, toNodeChange, toNodeType, toRemoval } from './nodes.mapper.ts';

@Controller()
export class NodesController implements contract.NodesController {
  constructor(
    private readonly drafts: DraftService,
    private readonly nodeTypes: NodeRegistry,
  ) {}

  @contract.ListWorkflowNodes()
  async listWorkflowNodes(
    { path, query }: contract.ListWorkflowNodes.Request,
    @CurrentCaller() caller: Caller,
  ): Promise<contract.ListWorkflowNodes.Response> {
    const { page, per_page: perPage } = query;
    const { items, total } = await this.drafts.nodes(caller.organisationId, path.workflow_id, { page, perPage });
    const pagination = toPagePagination(page, perPage, total);
    return contract.ListWorkflowNodes.respond(200, { data: items.map(toNode), pagination });
  }

  @contract.AddWorkflowNode()
  async addWorkflowNode(
    { path, query, body }: contract.AddWorkflowNode.Request,
    @CurrentCaller() caller: Caller,
  ): Promise<contract.AddWorkflowNode.Response> {
    const place = { workflowId: path.workflow_id, revision: query.revision };
    const added = await this.drafts.addNode(caller, place, body as unknown as Json);
    const location = `/v1/workflows/${path.workflow_id}/nodes/${encodeURIComponent(added.part.id)}`;
    return contract.AddWorkflowNode.respond(201, { data: toNodeChange(added) }, { Location: location });
  }

  @contract.GetWorkflowNode()
  async getWorkflowNode(
    { path }: contract.GetWorkflowNode.Request,
    @CurrentCaller() caller: Caller,
  ): Promise<contract.GetWorkflowNode.Response> {
    const node = await this.drafts.node(caller.organisationId, path.workflow_id, path.node_id);
    return contract.GetWorkflowNode.respond(200, { data: toNode(node) });
  }

  @contract.ReplaceWorkflowNode()
  async replaceWorkflowNode(
    { path, query, body }: contract.ReplaceWorkflowNode.Request,
    @CurrentCaller() caller: Caller,
  ): Promise<contract.ReplaceWorkflowNode.Response> {
    const place = { workflowId: path.workflow_id, revision: query.revision };
    const replaced = await this.drafts.replaceNode(caller, place, path.node_id, body as unknown as Json);
    return contract.ReplaceWorkflowNode.respond(200, { data: toNodeChange(replaced) });
  }

  @contract.DeleteWorkflowNode()
  async deleteWorkflowNode(
    { path, query }: contract.DeleteWorkflowNode.Request,
    @CurrentCaller() caller: Caller,
  ): Promise<contract.DeleteWorkflowNode.Response> {
    const place = { workflowId: path.workflow_id, revision: query.revision };
    const removed = await this.drafts.removeNode(caller, place, path.node_id);
    return contract.DeleteWorkflowNode.respond(200, { data: toRemoval(removed) });
  }

  @contract.ListWorkflowEdges()
  async listWorkflowEdges(
    { path, query }: contract.ListWorkflowEdges.Request,
    @CurrentCaller() caller: Caller,
  ): Promise<contract.ListWorkflowEdges.Response> {
    const { page, per_page: perPage } = query;
    const { items, total } = await this.drafts.edges(caller.organisationId, path.workflow_id, { page, perPage });
    const pagination = toPagePagination(page, perPage, total);
    return contract.ListWorkflowEdges.respond(200, { data: [...items], pagination });
  }

  @contract.AddWorkflowEdge()
  async addWorkflowEdge(
    { path, query, body }: contract.AddWorkflowEdge.Request,
    @CurrentCaller() caller: Caller,
  ): Promise<contract.AddWorkflowEdge.Response> {
    const place = { workflowId: path.workflow_id, revision: query.revision };
    const added = await this.drafts.addEdge(caller, place, body as unknown as Json);
    const location = `/v1/workflows/${path.workflow_id}/edges/${encodeURIComponent(added.part.id)}`;
    return contract.AddWorkflowEdge.respond(201, { data: toEdgeChange(added) }, { Location: location });
  }

  @contract.GetWorkflowEdge()
  async getWorkflowEdge(
    { path }: contract.GetWorkflowEdge.Request,
    @CurrentCaller() caller: Caller,
  ): Promise<contract.GetWorkflowEdge.Response> {
    const edge = await this.drafts.edge(caller.organisationId, path.workflow_id, path.edge_id);
    return contract.GetWorkflowEdge.respond(200, { data: edge });
  }

  @contract.ReplaceWorkflowEdge()
  async replaceWorkflowEdge(
    { path, query, body }: contract.ReplaceWorkflowEdge.Request,
    @CurrentCaller() caller: Caller,
  ): Promise<contract.ReplaceWorkflowEdge.Response> {
    const place = { workflowId: path.workflow_id, revision: query.revision };
    const replaced = await this.drafts.replaceEdge(caller, place, path.edge_id, body as unknown as Json);
    return contract.ReplaceWorkflowEdge.respond(200, { data: toEdgeChange(replaced) });
  }

  @contract.DeleteWorkflowEdge()
  async deleteWorkflowEdge(
    { path, query }: contract.DeleteWorkflowEdge.Request,
    @CurrentCaller() caller: Caller,
  ): Promise<contract.DeleteWorkflowEdge.Response> {
    const place = { workflowId: path.workflow_id, revision: query.revision };
    const removed = await this.drafts.removeEdge(caller, place, path.edge_id);
    return contract.DeleteWorkflowEdge.respond(200, { data: toRemoval(removed) });
  }

  @contract.ListNodeTypes()
  async listNodeTypes({ query }: contract.ListNodeTypes.Request): Promise<contract.ListNodeTypes.Response> {
    const { page, per_page: perPage } = query;
    const types = this.nodeTypes.list();
    const data = types.slice((page - 1) * perPage, page * perPage).map(toNodeType);
    return contract.ListNodeTypes.respond(200, { data, pagination: toPagePagination(page, perPage, types.length) });
  }

  @contract.GetNodeType()
  async getNodeType({ path }: contract.GetNodeType.Request): Promise<contract.GetNodeType.Response> {
    const type = this.nodeTypes.get(path.node_type);
    if (!type) throw new ResourceNotFoundError('node_type', path.node_type);
    return contract.GetNodeType.respond(200, { data: toNodeType(type) });
  }
}
