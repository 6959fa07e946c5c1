import type { FastifyRequest } from 'fastify';
import { findContext } from '#runtime/nest/index.ts';

type Operation = NonNullable<ReturnType<typeof findContext>>['operation'];

/** The operation that a request calls; undefined for a route that only lends the security of one. */
export function ownOperation(request: FastifyRequest): Operation | undefined {
  const { admittedBy } = request.routeOptions.config as { admittedBy?: string };
  return admittedBy === undefined ? findContext(request)?.operation : undefined;
}
