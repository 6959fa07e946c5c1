import {
  EXCEPTION_FILTERS_METADATA,
  GUARDS_METADATA,
  HEADERS_METADATA,
  HOST_METADATA,
  HTTP_CODE_METADATA,
  INTERCEPTORS_METADATA,
  PIPES_METADATA,
  REDIRECT_METADATA,
  RENDER_METADATA,
  ROUTE_ARGS_METADATA,
  SSE_METADATA,
  VERSION_METADATA,
} from '@nestjs/common/constants.js';
import type { ExternalContextCreator } from '@nestjs/core';
import type { FastifyReply, FastifyRequest } from 'fastify';

import { contextKey, type RequestContext } from './request-context.ts';

/** What Nest keeps of a controller; the part that decides whether its methods can be called without Nest's pipeline. */
export interface ControllerWrapper {
  readonly metatype: unknown;
  readonly instance: unknown;
  isDependencyTreeStatic(): boolean;
}

interface GlobalEnhancers {
  getGlobalMetadata(): readonly unknown[];
}

const enhancers = [
  GUARDS_METADATA,
  INTERCEPTORS_METADATA,
  PIPES_METADATA,
  EXCEPTION_FILTERS_METADATA,
  VERSION_METADATA,
];
const responseMetadata = [HTTP_CODE_METADATA, HEADERS_METADATA, REDIRECT_METADATA, RENDER_METADATA, SSE_METADATA];

/**
 * True where Nest's pipeline around a method would do nothing: no guard, interceptor, pipe or filter on the method, the
 * controller or the application, no further parameter, a controller that exists once. It still costs as much as everything
 * else the framework does for a request, so such a method is called directly. Asked when Nest registers the route, which is
 * when Nest itself collects the enhancers of a method.
 */
export function needsNoPipeline(controller: ControllerWrapper, name: string, creator: ExternalContextCreator): boolean {
  const { metatype, instance } = controller;
  if (
    typeof metatype !== 'function' ||
    instance === undefined ||
    instance === null ||
    !controller.isDependencyTreeStatic()
  ) {
    return false;
  }
  const method = (instance as Record<string, unknown>)[name];
  if (typeof method !== 'function') return false;
  const hasAny = (keys: readonly string[], target: object) =>
    keys.some((key) => Reflect.getMetadata(key, target) !== undefined);
  if (hasAny([...enhancers, HOST_METADATA], metatype) || hasAny([...enhancers, ...responseMetadata], method))
    return false;
  const parameters = Reflect.getMetadata(ROUTE_ARGS_METADATA, metatype, name) as object | undefined;
  if (Object.keys(parameters ?? {}).length !== 1) return false;
  return hasNoGlobalEnhancers(creator);
}

/** The fields are private, and Nest offers no other way to ask; without them every method takes the pipeline. */
function hasNoGlobalEnhancers(creator: ExternalContextCreator): boolean {
  const fields = creator as unknown as Record<string, GlobalEnhancers | undefined>;
  const count = (field: string) => fields[field]?.getGlobalMetadata?.().length;
  return (
    count('guardsContextCreator') === 0 &&
    count('interceptorsContextCreator') === 0 &&
    count('pipesContextCreator') === 0 &&
    // The runtime's own filter, which the direct handler does the work of.
    count('filtersContextCreator') === 1
  );
}

/** A route handler that calls the method and nothing else. */
export function directHandler(
  controller: Readonly<Record<string, (input: unknown) => unknown>>,
  name: string,
  fail: (error: unknown, request: FastifyRequest, reply: FastifyReply) => void,
): (request: FastifyRequest, reply: FastifyReply) => void {
  const call = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    try {
      const response = await controller[name]!((request as { [contextKey]?: RequestContext })[contextKey]!.input);
      reply.send(response);
    } catch (error) {
      fail(error, request, reply);
    }
  };
  // Fastify would wait for a promise, and a reply is one.
  return (request, reply) => {
    void call(request, reply);
  };
}
