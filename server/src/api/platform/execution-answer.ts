import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Json } from '../../domain/domain-error.ts';
import type { ResponseText } from '../../domain/execution/execution-queries.ts';
import { StoredJson, storedJson } from '../../domain/stored-json.ts';

/** Headers of a workflow's answer that are not its own to set: those of the connection, and those that speak for this server. */
const reserved =
  /^(?:connection|keep-alive|proxy-.*|transfer-encoding|content-length|content-encoding|te|trailer|upgrade|date|server|alt-svc|set-cookie2?|clear-site-data|content-security-policy.*|strict-transport-security|public-key-pins.*|x-frame-options|x-content-type-options|access-control-.*|cross-origin-.*|origin-agent-cluster|x-request-id|x-execution-id|.*ratelimit.*|service-worker-allowed)$/;

/**
 * Whoever wrote the workflow may write HTML, and it stands on the origin of the platform: browsers treat it as if it were of
 * an origin of its own, in which nothing runs.
 */
const sandboxed = "sandbox; default-src 'none'";

/** Sends what a `respond` node says; no body where it says none. */
export function sendResponse(reply: FastifyReply, { status, headers, body }: ResponseText): FastifyReply {
  for (const [name, value] of Object.entries(headers))
    if (!reserved.test(name.toLowerCase())) reply.header(name, value);
  reply.code(status);
  if (body === 'null') return guarded(reply).send();
  return sendValue(reply, body);
}

/** Sends a value that a workflow made, given as JSON: text as it is, anything else as JSON, which is not read where it is large. */
export function sendValue(reply: FastifyReply, json: string): FastifyReply {
  guarded(reply);
  if ([204, 205, 304].includes(reply.statusCode)) return reply.send();
  const isText = json.startsWith('"');
  if (!reply.hasHeader('content-type')) reply.type(`${isText ? 'text/plain' : 'application/json'}; charset=utf-8`);
  if (isText) return reply.send(JSON.parse(json));
  const value = storedJson(json);
  return reply.send(value instanceof StoredJson ? Buffer.from(json) : JSON.stringify(value));
}

function guarded(reply: FastifyReply): FastifyReply {
  return reply.header('Content-Security-Policy', sandboxed).header('X-Content-Type-Options', 'nosniff');
}

/** Says that an execution was accepted, in the contract's shape. */
export function sendAccepted(
  request: FastifyRequest,
  reply: FastifyReply,
  execution: { id: string; status: string },
  more: Record<string, Json> = {},
): FastifyReply {
  const meta = { request_id: request.id, timestamp: new Date().toISOString() };
  const data = { execution_id: execution.id, ...more, status: execution.status };
  reply.code(202).header('Location', `/v1/executions/${execution.id}`);
  return reply.type('application/json; charset=utf-8').send(JSON.stringify({ data, meta }));
}
