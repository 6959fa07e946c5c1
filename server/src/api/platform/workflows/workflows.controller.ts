import { Controller, Req } from '@nestjs/common';
import * as contract from '#generated/platform/index.ts';
import { contextOf } from '#runtime/nest/index.ts';
import type { Caller } from '../../../domain/caller.ts';
import { ExecutionQueries } from '../../../domain/execution/execution-queries.ts';
import { ExecutionService, starterOf } from '../../../domain/execution/execution.service.ts';
import { WorkflowService } from '../../../domain/workflow/workflow.service.ts';
import { CurrentCaller } from '../../../platform/auth/current-caller.ts';
import { toExecution, toStoredExecution } from '../executions/executions.mapper.ts';
import { toPagePagination } from '../page-pagination.ts';
import {
  toAttachment,
  toExecutionStart,
  toLayersDocument,
  toMilliseconds,
  toNewWorkflow,
  toWorkflow,
  toWorkflowChange,
  toWorkflowDocument,
  toWorkflowQuery,
  toWorkflowSource,
  toWorkflowSummary,
  toWorkflowValidation,
  toWorkflowVersion,
  toWorkflowVersionSummary,
} from './workflows.mapper.ts';

@Controller()
export class WorkflowsController implements contract.WorkflowsController {
  constructor(
    private readonly workflows: WorkflowService,
    private readonly executions: ExecutionService,
    private readonly queries: ExecutionQueries,
  ) {}

  @contract.ListWorkflows()
  async listWorkflows(
    { query }: contract.ListWorkflows.Request,
    @CurrentCaller() caller: Caller,
  ): Promise<contract.ListWorkflows.Response> {
    const { items, total } = await this.workflows.list(caller.organisationId, toWorkflowQuery(query));
    const pagination = toPagePagination(query.page, query.per_page, total);
    return contract.ListWorkflows.respond(200, { data: items.map(toWorkflowSummary), pagination });
  }

  @contract.CreateWorkflow()
  async createWorkflow(
    { body }: contract.CreateWorkflow.Request,
    @CurrentCaller() caller: Caller,
  ): Promise<contract.CreateWorkflow.Response> {
    const workflow = await this.workflows.create(caller, toNewWorkflow(body));
    const location = `/v1/workflows/${workflow.id}`;
    return contract.CreateWorkflow.respond(201, { data: toWorkflow(workflow) }, { Location: location });
  }

  @contract.ValidateWorkflow()
  async validateWorkflow(
    { body }: contract.ValidateWorkflow.Request,
    @CurrentCaller() { organisationId }: Caller,
  ): Promise<contract.ValidateWorkflow.Response> {
    const findings = await this.workflows.validate(organisationId, toWorkflowSource(body.definition));
    return contract.ValidateWorkflow.respond(200, { data: toWorkflowValidation(findings) });
  }

  @contract.ImportWorkflow()
  async importWorkflow(
    { body, contentType }: contract.ImportWorkflow.Request,
    @CurrentCaller() caller: Caller,
  ): Promise<contract.ImportWorkflow.Response> {
    const source = toWorkflowSource(body);
    const isLayered = contentType === 'application/vnd.flowpact.layers+json';
    const workflow = await (isLayered
      ? this.workflows.importLayers(caller, source)
      : this.workflows.import(caller, source));
    const location = `/v1/workflows/${workflow.id}`;
    return contract.ImportWorkflow.respond(201, { data: toWorkflow(workflow) }, { Location: location });
  }

  @contract.GetWorkflow()
  async getWorkflow(
    { path }: contract.GetWorkflow.Request,
    @CurrentCaller() caller: Caller,
  ): Promise<contract.GetWorkflow.Response> {
    const workflow = await this.workflows.get(caller.organisationId, path.workflow_id);
    return contract.GetWorkflow.respond(200, { data: toWorkflow(workflow) });
  }

  @contract.UpdateWorkflow()
  async updateWorkflow(
    { path, body }: contract.UpdateWorkflow.Request,
    @CurrentCaller() caller: Caller,
  ): Promise<contract.UpdateWorkflow.Response> {
    const workflow = await this.workflows.update(caller, path.workflow_id, toWorkflowChange(body));
    return contract.UpdateWorkflow.respond(200, { data: toWorkflow(workflow) });
  }

  @contract.DeleteWorkflow()
  async deleteWorkflow(
    { path }: contract.DeleteWorkflow.Request,
    @CurrentCaller() caller: Caller,
  ): Promise<contract.DeleteWorkflow.Response> {
    await this.workflows.delete(caller.organisationId, path.workflow_id);
    return contract.DeleteWorkflow.respond(204);
  }

  @contract.PublishWorkflow()
  async publishWorkflow(
    { path, body }: contract.PublishWorkflow.Request,
    @CurrentCaller() caller: Caller,
  ): Promise<contract.PublishWorkflow.Response> {
    const version = await this.workflows.publish(caller, path.workflow_id, body?.changelog);
    const location = `/v1/workflows/${path.workflow_id}/versions/${version.version}`;
    return contract.PublishWorkflow.respond(201, { data: toWorkflowVersion(version) }, { Location: location });
  }

  @contract.ListWorkflowVersions()
  async listWorkflowVersions(
    { path, query }: contract.ListWorkflowVersions.Request,
    @CurrentCaller() caller: Caller,
  ): Promise<contract.ListWorkflowVersions.Response> {
    const { page, per_page: perPage } = query;
    const { items, total } = await this.workflows.versions(caller.organisationId, path.workflow_id, { page, perPage });
    const pagination = toPagePagination(page, perPage, total);
    return contract.ListWorkflowVersions.respond(200, { data: items.map(toWorkflowVersionSummary), pagination });
  }

  @contract.GetWorkflowVersion()
  async getWorkflowVersion(
    { path }: contract.GetWorkflowVersion.Request,
    @CurrentCaller() caller: Caller,
  ): Promise<contract.GetWorkflowVersion.Response> {
    const version = await this.workflows.version(caller.organisationId, path.workflow_id, path.version);
    return contract.GetWorkflowVersion.respond(200, { data: toWorkflowVersion(version) });
  }

  @contract.ExecuteWorkflow()
  async executeWorkflow(
    { path, query, body }: contract.ExecuteWorkflow.Request,
    @CurrentCaller() caller: Caller,
    @Req() request: object,
  ): Promise<contract.ExecuteWorkflow.Response> {
    const execution = await this.executions.start({
      organisationId: caller.organisationId,
      startedBy: starterOf(caller),
      workflowId: path.workflow_id,
      ...toExecutionStart(body),
    });
    const headers = { Location: `/v1/executions/${execution.id}` };
    const accepted = contract.ExecuteWorkflow.respond(202, { data: toExecution(execution) }, headers);
    if (query.wait === undefined) return accepted;
    const { signal } = contextOf(request);
    const wait = toMilliseconds(query.wait);
    return accepted.whenCommitted(async () => {
      const seen = await this.queries.waitForRecord(caller.organisationId, execution.id, wait, signal);
      return contract.ExecuteWorkflow.respond(seen.ended ? 200 : 202, { data: toStoredExecution(seen) }, headers);
    });
  }

  @contract.ExportWorkflow()
  async exportWorkflow(
    { path, query, accept }: contract.ExportWorkflow.Request,
    @CurrentCaller() caller: Caller,
  ): Promise<contract.ExportWorkflow.Response> {
    const document = await this.workflows.export(caller.organisationId, path.workflow_id, query.version);
    if (accept === 'application/yaml') {
      const headers = { 'Content-Disposition': toAttachment(document.name, 'yaml') };
      return contract.ExportWorkflow.respondAs(200, accept, this.workflows.toYaml(document), headers);
    }
    const headers = { 'Content-Disposition': toAttachment(document.name, 'json') };
    if (accept === 'application/vnd.flowpact.layers+json')
      return contract.ExportWorkflow.respondAs(200, accept, toLayersDocument(document), headers);
    return contract.ExportWorkflow.respondAs(200, accept, toWorkflowDocument(document), headers);
  }
}
