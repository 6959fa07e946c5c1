import { Injectable, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Json } from '../../../domain/domain-error.ts';
import type { Execution } from '../../../domain/execution/execution.entity.ts';
import { inTurn } from '../../../domain/tenancy/event-loop-turns.ts';
import { HookAnswers } from '../../../domain/trigger/hook-answers.ts';
import {
  type AdmittedRequest,
  type Hook,
  type HookRequest,
  HookService,
} from '../../../domain/trigger/hook.service.ts';
import { HookUnauthorizedError } from '../../../domain/trigger/trigger.errors.ts';
import { PostgresRateLimiter } from '../../../platform/rate-limit/postgres-rate-limiter.ts';
import { sendAccepted, sendValue, sendResponse } from '../execution-answer.ts';
import { readBody } from '../open-body.ts';
import { OpenRouteError } from '../open-errors.ts';
import { assertWithinLimit } from '../open-limit.ts';
import { serveOpenRoutes } from '../open-routes.ts';

/**
 * Serves `/hooks/<token>`, the inbound URLs of webhook triggers. Their requests and answers are what users make of them,
 * so they are in no contract; refusals have the contract's codes and shapes all the same.
 */
@Injectable()
export class HookRoutes implements OnModuleInit {
  constructor(
    private readonly host: HttpAdapterHost,
    private readonly hooks: HookService,
    private readonly answers: HookAnswers,
    private readonly limiter: PostgresRateLimiter,
  ) {}

  onModuleInit(): void {
    const server = this.host.httpAdapter.getInstance<FastifyInstance>();
    serveOpenRoutes(server, ['/hooks/:token', '/hooks/:token/*'], (request, reply) => this.#serve(request, reply));
  }

  async #serve(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const { token, '*': rest } = request.params as { token: string; '*'?: string };
    const hook = await this.hooks.find(token);
    if (!hook) {
      assertWithinLimit(reply, await this.limiter.consumeRefused(request.ip));
      throw nothingHere();
    }
    assertMethod(request.method, hook.config.methods);
    const received = toHookRequest(request, rest === undefined ? '' : `/${rest}`);
    const admitted = await this.#admit(hook, received, request, reply);
    if (!admitted) throw nothingHere();
    assertWithinLimit(reply, await this.limiter.consumeBy(hook, 'execute'));
    const body = await readBody(request);
    const start = (): Promise<Execution> => this.hooks.start(hook, received, admitted, body);
    const execution = await inTurn(hook.organisationId, start);
    if (hook.config.respond === 'immediately') return accepted(request, reply, hook, execution);
    return this.#answer(hook, execution, request, reply);
  }

  /** Those who guess are counted by their address, within the organisation whose hook it is. */
  async #admit(
    hook: Hook,
    received: HookRequest,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<AdmittedRequest | undefined> {
    try {
      return this.hooks.admit(hook, received);
    } catch (error) {
      if (error instanceof HookUnauthorizedError) {
        assertWithinLimit(reply, await this.limiter.consumeRefused(request.ip, hook));
        reply.header('WWW-Authenticate', `Bearer realm="hook"`);
      }
      throw error;
    }
  }

  async #answer(hook: Hook, execution: Execution, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const gone = new AbortController();
    const leave = (): void => gone.abort();
    reply.raw.once('close', leave);
    const { respond, timeoutSeconds } = hook.config;
    const answer = await this.answers.wait(execution, {
      untilResponse: respond === 'respond_node',
      milliseconds: timeoutSeconds * 1_000,
      signal: gone.signal,
    });
    reply.raw.off('close', leave);
    if (!answer) return accepted(request, reply, hook, execution);
    reply.header('X-Execution-Id', execution.id);
    if (answer.kind === 'response') return sendResponse(reply, answer.response);
    if (answer.kind === 'output') return sendValue(reply.code(200), answer.output);
    const details = { execution_id: execution.id, status: answer.status, reason: answer.code };
    throw new OpenRouteError('execution_failed', 'The execution did not end well.', details);
  }
}

function accepted(request: FastifyRequest, reply: FastifyReply, hook: Hook, execution: Execution): FastifyReply {
  return sendAccepted(request, reply, execution, { workflow_id: hook.workflowId, trigger_id: hook.id });
}

/** Says nothing of the token, which is a secret. */
function nothingHere(): Error {
  return new OpenRouteError('resource_not_found', 'There is no trigger at this URL.', { resource: 'hook' });
}

function assertMethod(method: string, allowed: readonly string[]): void {
  if (allowed.includes(method)) return;
  const message = `This URL takes ${allowed.join(', ')} only.`;
  throw new OpenRouteError('method_not_allowed', message, { allow: allowed }, { Allow: allowed.join(', ') });
}

function toHookRequest(request: FastifyRequest, path: string): HookRequest {
  const headers = Object.entries(request.headers).map(([name, value]) => [name, [value].flat().join(', ')]);
  return {
    method: request.method,
    path,
    query: { ...(request.query as Record<string, Json>) },
    headers: Object.fromEntries(headers) as Record<string, string>,
    body: Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0),
  };
}
