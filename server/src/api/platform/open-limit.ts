import type { FastifyReply } from 'fastify';
import type { RateLimitDecision } from '#runtime/nest/index.ts';
import { OpenRouteError } from './open-errors.ts';

/** Says in the answer what is left of the limits; throws OpenRouteError when nothing is. */
export function assertWithinLimit(reply: FastifyReply, decision: RateLimitDecision): void {
  const { allowed, headers, retryAfter, message = 'Too many requests.', details } = decision;
  if (headers) reply.headers(headers);
  if (allowed) return;
  const retry: Record<string, string> = retryAfter === undefined ? {} : { 'Retry-After': String(retryAfter) };
  throw new OpenRouteError('rate_limit_exceeded', message, details, retry);
}
