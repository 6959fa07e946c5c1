import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

type RouterErrorHandler = (error: Error, request: FastifyRequest, reply: FastifyReply) => void;

/**
 * Lets `handler` answer what the router refuses before there is a route: a malformed URL, a parameter that is too long.
 * Fastify reads `frameworkErrors` from its options at that moment but offers no setter for it, and the application makes the
 * adapter before the runtime exists; so this reaches into the options, and leaves Fastify's own answer where they are not found.
 */
export function onRouterError(instance: FastifyInstance, handler: RouterErrorHandler): void {
  const key = Object.getOwnPropertySymbols(instance).find(({ description }) => description === 'fastify.options');
  const options = key && (instance as unknown as Record<symbol, { frameworkErrors?: RouterErrorHandler }>)[key];
  if (options !== undefined && !Object.isFrozen(options)) options.frameworkErrors = handler;
}
