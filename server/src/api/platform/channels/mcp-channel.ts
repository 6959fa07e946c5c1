import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js';
import {
  CallToolRequestSchema,
  type CallToolResult,
  ErrorCode,
  ListToolsRequestSchema,
  McpError,
  type Tool,
} from '@modelcontextprotocol/sdk/types.js';
import { Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { JsonText, type RateLimitDecision, streamJson } from '#runtime/nest/index.ts';
import { ChannelCalls, type OfferedTool } from '../../../domain/channel/channel-calls.ts';
import type { Channel } from '../../../domain/channel/channel.entity.ts';
import { DomainError, type Json, ResourceNotFoundError } from '../../../domain/domain-error.ts';
import type { ExecutionAnswer } from '../../../domain/execution/execution-queries.ts';
import { Config } from '../../../platform/config/config.ts';
import { version } from '../../../platform/health/version.ts';
import { OpenRouteError } from '../open-errors.ts';
import { LargeValues } from './large-values.ts';

/** Characters of an output from which on it goes past the library, as it is; one request may call a hundred tools. */
const largeOutput = 16_384;

/**
 * Serves channels of kind `mcp`: the Model Context Protocol over streamable HTTP (revision 2025-06-18 and before). It keeps
 * nothing between requests, so that any process can answer any of them: there is no session, and nothing to stream.
 */
@Injectable()
export class McpChannel {
  constructor(
    private readonly calls: ChannelCalls,
    private readonly config: Config,
  ) {}

  /** `count` counts one call more than the request itself. */
  async serve(
    channel: Channel,
    request: FastifyRequest,
    reply: FastifyReply,
    count: () => Promise<RateLimitDecision>,
  ): Promise<FastifyReply> {
    if (request.url.split('?', 1)[0] !== `/channels/${channel.slug}/mcp`)
      throw new ResourceNotFoundError('route', request.url);
    this.#checkOrigin(request);
    if (request.method !== 'POST') {
      // Clients take it for "no stream here" and "no session to end".
      throw new OpenRouteError('method_not_allowed', 'This server has no sessions: POST only.', {}, { Allow: 'POST' });
    }
    const gone = new AbortController();
    reply.raw.once('close', () => gone.abort());
    const large = new LargeValues();
    const transport = new WebStandardStreamableHTTPServerTransport({ enableJsonResponse: true });
    await this.#server(channel, gone.signal, count, large).connect(transport);
    try {
      const answer = await transport.handleRequest(toRequest(request));
      reply.code(answer.status).headers(Object.fromEntries(answer.headers));
      const text = await answer.text();
      return reply.send(large.isEmpty ? text : streamJson(large.in(JSON.parse(text) as Json)));
    } finally {
      await transport.close();
    }
  }

  /** A page in a browser must not reach servers of its reader's network by a name of its own (MCP 2025-06-18, "Security Warning" of transports). */
  #checkOrigin({ headers: { origin } }: FastifyRequest): void {
    const { settings } = this.config;
    const own = [new URL(this.config.publicUrl()).origin, ...settings.CORS_ORIGINS];
    if (origin === undefined || own.includes(origin)) return;
    throw new OpenRouteError('cross_site_request', 'Requests from pages of this origin are not taken.');
  }

  #server(channel: Channel, signal: AbortSignal, count: () => Promise<RateLimitDecision>, large: LargeValues): Server {
    const { name, description } = channel;
    const server = new Server(
      { name: channel.slug, title: name, version },
      { capabilities: { tools: {} }, ...(description && { instructions: description }) },
    );
    server.setRequestHandler(ListToolsRequestSchema, async () => ({
      tools: (await this.calls.tools(channel)).map(toTool),
    }));
    let counted = false;
    server.setRequestHandler(CallToolRequestSchema, async ({ params }) => {
      // The request itself was counted for one; a batch may hold a hundred calls.
      if (counted) assertAllowed(await count());
      counted = true;
      const tool = channel.tools.find((each) => each.name === params.name);
      if (!tool) throw new McpError(ErrorCode.InvalidParams, `There is no tool ${params.name}.`);
      try {
        const execution = await this.calls.call(channel, tool, (params.arguments ?? {}) as Record<string, Json>);
        return toResult(await this.calls.answer(execution, tool.timeout_seconds, signal), large);
      } catch (error) {
        if (error instanceof DomainError) return refusal(error);
        throw error;
      }
    });
    return server;
  }
}

function assertAllowed({ allowed, message = 'Too many requests.' }: RateLimitDecision): void {
  if (!allowed) throw new McpError(ErrorCode.InvalidRequest, message);
}

function toRequest(request: FastifyRequest): Request {
  const headers = new Headers();
  for (const [name, value] of Object.entries(request.headers)) {
    if (value !== undefined && !name.startsWith(':')) headers.set(name, [value].flat().join(', '));
  }
  const body = Buffer.isBuffer(request.body) ? new Uint8Array(request.body) : '';
  return new Request(new URL(request.url, 'http://localhost'), { method: 'POST', headers, body });
}

/** Arguments of a tool are an object, whatever else the schema of the workflow says of its input. */
function toTool({ tool: { name }, title, description, inputSchema }: OfferedTool): Tool {
  return { name, title, description, inputSchema: { ...inputSchema, type: 'object' } as Tool['inputSchema'] };
}

function toResult({ id, ended, status, output, error }: ExecutionAnswer, large: LargeValues): CallToolResult {
  if (!ended) {
    const text = `The workflow is still at work (${status}). Its execution is ${id}.`;
    return { content: [{ type: 'text', text }], structuredContent: { execution_id: id, status } };
  }
  if (status === 'completed') return toContent(output ?? 'null', large);
  const message = error?.message ?? 'It was cancelled.';
  return { content: [{ type: 'text', text: `The workflow ${status}: ${message} (execution ${id})` }], isError: true };
}

function toContent(json: string, large: LargeValues): CallToolResult {
  if (json.length > largeOutput) {
    const isObject = json.startsWith('{');
    const text = large.add(json.startsWith('"') ? (JSON.parse(json) as string) : json);
    return {
      content: [{ type: 'text', text }],
      ...(isObject && { structuredContent: { [large.add(new JsonText(json))]: true } }),
    };
  }
  const value = JSON.parse(json) as Json;
  const text = typeof value === 'string' ? value : JSON.stringify(value, null, 2);
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  return { content: [{ type: 'text', text }], ...(isObject && { structuredContent: value as Record<string, Json> }) };
}

/** What a model can put right, it is told as a result: an error of the protocol would not reach it. */
function refusal({ message, details }: DomainError): CallToolResult {
  const problems = Array.isArray(details['errors']) ? (details['errors'] as { field: string; message: string }[]) : [];
  const text = [message, ...problems.map((problem) => `- ${problem.field} ${problem.message}`)].join('\n');
  return { content: [{ type: 'text', text }], isError: true };
}
