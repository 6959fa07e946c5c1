import { Controller, Req } from '@nestjs/common';
import * as contract from '#generated/platform/index.ts';
import { contextOf } from '#runtime/nest/index.ts';
import type { Caller } from '../../../domain/caller.ts';
import { ExecutionControl } from '../../../domain/execution/execution-control.ts';
import { ExecutionEvents } from '../../../domain/execution/execution-events.ts';
import { ExecutionQueries } from '../../../domain/execution/execution-queries.ts';
import { ExecutionService, starterOf } from '../../../domain/execution/execution.service.ts';
import { assertTicketFor } from '../../../domain/stream-ticket/stream-ticket.service.ts';
import { WorkflowService } from '../../../domain/workflow/workflow.service.ts';
import { CurrentCaller } from '../../../platform/auth/current-caller.ts';
import type { Principal } from '../../../platform/auth/principal.ts';
import { OpenConnections } from '../live/open-connections.ts';
import { toPagePagination } from '../page-pagination.ts';
import {
  toCursorPagination,
  toExecution,
  toExecutionLog,
  toExecutionQuery,
  toExecutionReplay,
  toExecutionStep,
  toExecutionSummary,
  toMessages,
  toStoredExecution,
} from './executions.mapper.ts';

@Controller()
export class ExecutionsController implements contract.ExecutionsController {
  constructor(
    private readonly executions: ExecutionQueries,
    private readonly control: ExecutionControl,
    private readonly starts: ExecutionService,
    private readonly events: ExecutionEvents,
    private readonly workflows: WorkflowService,
    private readonly connections: OpenConnections,
  ) {}

  @contract.ListExecutions()
  async listExecutions(
    { query }: contract.ListExecutions.Request,
    @CurrentCaller() caller: Caller,
  ): Promise<contract.ListExecutions.Response> {
    const slice = await this.executions.list(caller.organisationId, toExecutionQuery(query, query.workflow_id));
    const pagination = toCursorPagination(slice, query.per_page);
    return contract.ListExecutions.respond(200, { data: slice.items.map(toExecutionSummary), pagination });
  }

  @contract.ListWorkflowExecutions()
  async listWorkflowExecutions(
    { path, query }: contract.ListWorkflowExecutions.Request,
    @CurrentCaller() caller: Caller,
  ): Promise<contract.ListWorkflowExecutions.Response> {
    const { id } = await this.workflows.get(caller.organisationId, path.workflow_id);
    const slice = await this.executions.list(caller.organisationId, toExecutionQuery(query, id));
    const pagination = toCursorPagination(slice, query.per_page);
    return contract.ListWorkflowExecutions.respond(200, { data: slice.items.map(toExecutionSummary), pagination });
  }

  @contract.GetExecution()
  async getExecution(
    { path }: contract.GetExecution.Request,
    @CurrentCaller() caller: Caller,
  ): Promise<contract.GetExecution.Response> {
    const execution = await this.executions.get(caller.organisationId, path.execution_id);
    return contract.GetExecution.respond(200, { data: toStoredExecution(execution) });
  }

  @contract.CancelExecution()
  async cancelExecution(
    { path }: contract.CancelExecution.Request,
    @CurrentCaller() caller: Caller,
  ): Promise<contract.CancelExecution.Response> {
    const execution = await this.control.cancel(caller.organisationId, path.execution_id);
    const location = `/v1/executions/${execution.id}`;
    return contract.CancelExecution.respond(202, { data: toExecution(execution) }, { Location: location });
  }

  @contract.PauseExecution()
  async pauseExecution(
    { path }: contract.PauseExecution.Request,
    @CurrentCaller() caller: Caller,
  ): Promise<contract.PauseExecution.Response> {
    const execution = await this.control.pause(caller.organisationId, path.execution_id);
    const location = `/v1/executions/${execution.id}`;
    return contract.PauseExecution.respond(202, { data: toExecution(execution) }, { Location: location });
  }

  @contract.ResumeExecution()
  async resumeExecution(
    { path }: contract.ResumeExecution.Request,
    @CurrentCaller() caller: Caller,
  ): Promise<contract.ResumeExecution.Response> {
    const execution = await this.control.resume(caller.organisationId, path.execution_id);
    const location = `/v1/executions/${execution.id}`;
    return contract.ResumeExecution.respond(202, { data: toExecution(execution) }, { Location: location });
  }

  @contract.RetryExecution()
  async retryExecution(
    { path, body }: contract.RetryExecution.Request,
    @CurrentCaller() caller: Caller,
  ): Promise<contract.RetryExecution.Response> {
    const { organisationId } = caller;
    const from = body?.from ?? 'failure';
    const retry = { organisationId, executionId: path.execution_id, startedBy: starterOf(caller), from };
    const execution = await this.starts.retry(retry);
    const location = `/v1/executions/${execution.id}`;
    return contract.RetryExecution.respond(202, { data: toExecution(execution) }, { Location: location });
  }

  @contract.ReplayExecution()
  async replayExecution(
    { path, body = {} }: contract.ReplayExecution.Request,
    @CurrentCaller() caller: Caller,
  ): Promise<contract.ReplayExecution.Response> {
    const { organisationId } = caller;
    const executionId = path.execution_id;
    const startedBy = starterOf(caller);
    const execution = await this.starts.replay({ organisationId, executionId, startedBy, ...toExecutionReplay(body) });
    const location = `/v1/executions/${execution.id}`;
    return contract.ReplayExecution.respond(202, { data: toExecution(execution) }, { Location: location });
  }

  @contract.DeleteExecution()
  async deleteExecution(
    { path }: contract.DeleteExecution.Request,
    @CurrentCaller() caller: Caller,
  ): Promise<contract.DeleteExecution.Response> {
    await this.control.delete(caller.organisationId, path.execution_id);
    return contract.DeleteExecution.respond(204);
  }

  @contract.ListExecutionSteps()
  async listExecutionSteps(
    { path, query }: contract.ListExecutionSteps.Request,
    @CurrentCaller() caller: Caller,
  ): Promise<contract.ListExecutionSteps.Response> {
    const { status: statuses, page, per_page: perPage } = query;
    const wanted = { statuses, page, perPage };
    const { items, total } = await this.executions.steps(caller.organisationId, path.execution_id, wanted);
    const pagination = toPagePagination(page, perPage, total);
    return contract.ListExecutionSteps.respond(200, { data: items.map(toExecutionStep), pagination });
  }

  @contract.ListExecutionLogs()
  async listExecutionLogs(
    { path, query }: contract.ListExecutionLogs.Request,
    @CurrentCaller() caller: Caller,
  ): Promise<contract.ListExecutionLogs.Response> {
    const { level: levels, node_id: nodeId, page, per_page: perPage, cursor } = query;
    const wanted = { levels, nodeId, page, perPage, cursor };
    const slice = await this.executions.logs(caller.organisationId, path.execution_id, wanted);
    const pagination = toCursorPagination(slice, perPage);
    return contract.ListExecutionLogs.respond(200, { data: slice.items.map(toExecutionLog), pagination });
  }

  @contract.StreamExecutionEvents()
  async streamExecutionEvents(
    { path, headers }: contract.StreamExecutionEvents.Request,
    @CurrentCaller() caller: Principal,
    @Req() request: object,
  ): Promise<contract.StreamExecutionEvents.Response> {
    assertTicketFor(caller.ticket, path.execution_id);
    const after = headers['Last-Event-ID'] ?? caller.ticket?.after ?? 0;
    const signal = await this.connections.openStream(caller, contextOf(request));
    const feed = await this.events.follow(caller.organisationId, path.execution_id, after, signal);
    return contract.StreamExecutionEvents.respond(200, toMessages(path.execution_id, after, feed));
  }
}
