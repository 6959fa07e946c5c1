import type { FastifyReply, FastifyRequest } from 'fastify';

import type { ContractDescriptor, OperationDescriptor } from './contract.ts';
import type { Principal } from './ports.ts';

/** Where the runtime keeps the context on a Fastify request, and on the request object a handler gets. */
export const contextKey: unique symbol = Symbol('flowpact.context');

/** The validated request as a handler gets it; generated code knows the types per operation. */
export interface OperationRequest {
  readonly path: Readonly<Record<string, unknown>>;
  readonly query: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly cookies: Readonly<Record<string, unknown>>;
  readonly body: unknown;
  /** The best of the operation's success media types for the request's `Accept`; undefined where it has none. */
  readonly accept: string | undefined;
  /** The declared media type of the body; undefined without a body. */
  readonly contentType: string | undefined;
  readonly [contextKey]?: RequestContext;
}

/** What the runtime knows about a request; one object from the first hook to the last byte. */
export class RequestContext<P extends Principal = Principal> {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly contract: ContractDescriptor;
  /** Undefined for a path or method that the contract does not have. */
  readonly operation: OperationDescriptor | undefined;
  /** By name of the security scheme. */
  principals: Readonly<Record<string, P>> = noPrincipals as Readonly<Record<string, P>>;
  /** The principal of the first scheme of the requirement that held; undefined for a public operation. */
  principal: P | undefined;
  /** The best of the operation's success media types for the request's `Accept`. */
  accept: string | undefined;
  /** What the handler gets as its first parameter, once it has been read and checked. */
  input: OperationRequest | undefined;
  /** Runs the handler; set for a request that an idempotency store has to wrap. */
  wrap: ((handler: () => unknown) => Promise<unknown>) | undefined;
  private controller: AbortController | undefined;

  constructor(
    request: FastifyRequest,
    reply: FastifyReply,
    contract: ContractDescriptor,
    operation: OperationDescriptor | undefined,
  ) {
    this.request = request;
    this.reply = reply;
    this.contract = contract;
    this.operation = operation;
  }

  /** The id of `X-Request-Id`: the client's where it is acceptable, a UUID otherwise. */
  get requestId(): string {
    return this.request.id;
  }

  /** Aborted when the client goes away before the response is complete. */
  get signal(): AbortSignal {
    if (this.controller === undefined) {
      const controller = new AbortController();
      this.controller = controller;
      const { raw } = this.reply;
      if (raw.destroyed) controller.abort();
      else raw.once('close', () => raw.writableFinished || controller.abort());
    }
    return this.controller.signal;
  }
}

const noPrincipals = Object.freeze({});

interface Carrier {
  [contextKey]?: RequestContext;
}

/** The context of a request (Fastify's, or the one a handler got), undefined for a route outside every contract. */
export function findContext(request: object): RequestContext | undefined {
  return (request as Carrier)[contextKey];
}

/**
 * The context of a request (Fastify's, or the one a handler got).
 * @throws Error for a route outside every contract.
 */
export function contextOf<P extends Principal = Principal>(request: object): RequestContext<P> {
  const context = (request as Carrier)[contextKey];
  if (context === undefined) throw new Error('This request belongs to no contract: it has no request context.');
  return context as RequestContext<P>;
}

/**
 * Who is calling; for the application's own parameter decorators.
 * @throws Error where nobody was authenticated: the operation is public, or the route outside every contract.
 */
export function principalOf<P extends Principal = Principal>(request: object): P {
  const principal = findContext(request)?.principal;
  if (principal === undefined) throw new Error('Nobody was authenticated for this request: the operation is public.');
  return principal as P;
}

/** Who is calling, or undefined. */
export function findPrincipal<P extends Principal = Principal>(request: object): P | undefined {
  return findContext(request)?.principal as P | undefined;
}
