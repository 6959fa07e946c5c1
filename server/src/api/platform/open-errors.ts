import { Logger } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { contract } from '#generated/platform/index.ts';
import { RequestContext } from '#runtime/nest/index.ts';
import { DomainError } from '../../domain/domain-error.ts';
import { errorFormat } from './error-format.ts';
import { translateError } from './translate-error.ts';

const logger = new Logger('OpenRoutes');

/** The status that each error code travels under, wherever the contract declares it. */
const statuses = new Map<string, number>([
  // Only routes of users have these two.
  ['method_not_allowed', 405],
  ['execution_failed', 500],
  ...Object.values(contract.operations).flatMap(({ errors }) => Object.entries(errors) as [string, number][]),
]);

/** A refusal of a route outside of the contract, in words of the contract. */
export class OpenRouteError extends Error {
  readonly code: string;
  readonly details: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    code: string,
    message: string,
    details: Readonly<Record<string, unknown>> = {},
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
    this.code = code;
    this.details = details;
    this.headers = headers;
  }
}

/** Answers what went wrong on a route outside of the contract as the contract's operations do: same codes, statuses and shapes. */
export function answerError(thrown: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const error = ofFastify(translateError(thrown));
  const known = error instanceof DomainError || error instanceof OpenRouteError ? error : undefined;
  const status = known && statuses.get(known.code);
  if (known === undefined || status === undefined) {
    logger.error({ err: error, request_id: request.id }, 'A request outside of the contract failed');
  }
  const failure = {
    kind: undefined,
    status: status ?? 500,
    code: status === undefined ? 'internal_error' : known!.code,
    message: status === undefined ? 'An unexpected error occurred.' : known!.message,
    details: status === undefined ? {} : known!.details,
    headers: {},
  };
  const wantsProblem = request.headers.accept?.includes('application/problem+json') ?? false;
  const mediaType = wantsProblem ? 'application/problem+json' : 'application/json';
  const context = new RequestContext(request, reply, contract, undefined);
  reply.headers({
    ...(known as { headers?: Record<string, string> } | undefined)?.headers,
    'X-Request-Id': request.id,
  });
  return reply
    .code(failure.status)
    .type(`${mediaType}; charset=utf-8`)
    .send(JSON.stringify(errorFormat.bodies[mediaType]!(failure, context)));
}

/** Fastify's own refusals by the contract's names. */
function ofFastify(error: unknown): unknown {
  const { statusCode, message = '' } = (error ?? {}) as { statusCode?: number; message?: string };
  switch (statusCode) {
    case 400:
      return new OpenRouteError('validation_error', message, { errors: [{ field: '', message, location: 'body' }] });
    case 413:
      return new OpenRouteError('payload_too_large', 'The body of the request is too large.');
    case 415:
      return new OpenRouteError(
        'unsupported_media_type',
        'The body of the request has a media type that is not taken here.',
      );
    default:
      return error;
  }
}
