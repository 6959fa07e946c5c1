import { Injectable } from '@nestjs/common';
import { DomainError, type Json } from '../domain-error.ts';
import type { Execution } from '../execution/execution.entity.ts';
import { type ExecutionAnswer, ExecutionQueries } from '../execution/execution-queries.ts';
import { ExecutionService, type ExecutionStart } from '../execution/execution.service.ts';
import { forOthers } from '../storage/storage.errors.ts';
import { checkStorable } from '../storable.ts';
import { WorkflowService } from '../workflow/workflow.service.ts';
import type { ChannelRoute, ChannelTool } from './channel-route.ts';
import type { Channel } from './channel.entity.ts';

/** A request to an `http` channel. */
export interface ChannelRequest {
  readonly method: string;
  /** Below the channel. */
  readonly path: string;
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, Json>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Json;
}

/** A tool as a model sees it. */
export interface OfferedTool {
  readonly tool: ChannelTool;
  readonly title: string;
  readonly description: string;
  /** The workflow's `input_schema`, if it has one. */
  readonly inputSchema: Readonly<Record<string, Json>> | undefined;
}

/** Headers that are not the workflow's business, and would be stored with the execution. */
const confidential = new Set(['authorization', 'cookie', 'proxy-authorization', 'x-channel-token', 'x-api-key']);

/** Executes workflows for those who call a channel. */
@Injectable()
export class ChannelCalls {
  constructor(
    private readonly executions: ExecutionService,
    private readonly queries: ExecutionQueries,
    private readonly workflows: WorkflowService,
  ) {}

  /** Accepts the execution of a route. Throws NoRoomForOthersError, and what ExecutionService.start throws. */
  async request(channel: Channel, route: ChannelRoute, request: ChannelRequest): Promise<Execution> {
    const { body, query, params } = request;
    checkStorable('body', body);
    const headers = Object.fromEntries(Object.entries(request.headers).filter(([name]) => !confidential.has(name)));
    return this.#start({
      organisationId: channel.organisation.id,
      startedBy: { type: 'channel', id: channel.id },
      workflowId: route.workflow_id,
      input: { ...query, ...(isObject(body) ? (body as Record<string, Json>) : {}), ...params },
      trigger: { type: 'channel', channel_id: channel.id, channel_name: channel.name, ...request, headers },
    });
  }

  /** Accepts the execution of a tool. Throws NoRoomForOthersError, and what ExecutionService.start throws. */
  async call(channel: Channel, tool: ChannelTool, input: Record<string, Json>): Promise<Execution> {
    return this.#start({
      organisationId: channel.organisation.id,
      startedBy: { type: 'channel', id: channel.id },
      workflowId: tool.workflow_id,
      input,
      trigger: { type: 'channel', channel_id: channel.id, channel_name: channel.name, tool: tool.name },
    });
  }

  /** What the execution says when it has ended, or how it stands after so many seconds. */
  async answer({ organisationId, id }: Execution, seconds: number, signal: AbortSignal): Promise<ExecutionAnswer> {
    return this.queries.waitForAnswer(organisationId, id, seconds * 1_000, signal);
  }

  /** The tools of a channel whose workflows can be executed now. */
  async tools(channel: Channel): Promise<OfferedTool[]> {
    const offered: OfferedTool[] = [];
    for (const tool of channel.tools) {
      const found = await this.#describe(channel.organisation.id, tool);
      if (found) offered.push(found);
    }
    return offered;
  }

  #start(start: ExecutionStart): Promise<Execution> {
    return forOthers(this.executions.start(start));
  }

  async #describe(organisationId: string, tool: ChannelTool): Promise<OfferedTool | undefined> {
    try {
      const { definition } = await this.workflows.getPublished(organisationId, tool.workflow_id);
      const { name, description } = await this.workflows.get(organisationId, tool.workflow_id);
      const inputSchema = definition.input_schema;
      return { tool, title: name, description: tool.description ?? description ?? name, inputSchema };
    } catch (error) {
      if (error instanceof DomainError) return undefined;
      throw error;
    }
  }
}

function isObject(value: Json): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
