import { createParamDecorator, RequestMapping, RequestMethod, type ExecutionContext } from '@nestjs/common';

import type { OperationDescriptor } from './contract.ts';
import { contextKey, type RequestContext } from './request-context.ts';
import { OperationResponse } from './response.ts';
import { nestPath } from './route-path.ts';

const descriptorKey = Symbol('flowpact.operation');

type Handler = (this: object, ...parameters: unknown[]) => unknown;

/** The validated request as the handler's first parameter; pipes that the application puts on the method see it. */
const ValidatedRequest = createParamDecorator((_: unknown, context: ExecutionContext) => {
  const request = context.getArgByIndex<{ [contextKey]?: RequestContext }>(0);
  const input = request[contextKey]?.input;
  if (input === undefined)
    throw new Error('ContractModule is not imported, so nothing has read and checked this request.');
  return input;
});

/**
 * Turns a controller method into the handler of an operation: Nest gets its route and its first parameter, and the method a
 * shell through which the runtime can put a transaction around it. A direct call, as in a unit test, reaches the method.
 */
export function bindOperation(
  descriptor: OperationDescriptor,
  prototype: object,
  name: string | symbol,
  method: PropertyDescriptor,
): void {
  const handler = method.value as Handler;
  const earlier = boundOperation(handler);
  if (earlier !== undefined) {
    throw new Error(
      `${prototype.constructor.name}.${String(name)} is bound to ${earlier.id} and to ${descriptor.id}: give each operation a method of its own.`,
    );
  }

  const shell: Handler = function (...parameters) {
    const context = (parameters[0] as { [contextKey]?: RequestContext } | undefined)?.[contextKey];
    if (context === undefined) return handler.apply(this, parameters);
    if (context.wrap !== undefined) return context.wrap(() => handler.apply(this, parameters));
    const result = handler.apply(this, parameters);
    return result instanceof Promise ? result.then(settle) : settle(result);
  };
  Object.defineProperty(shell, 'name', { value: handler.name, configurable: true });
  // What decorators below this one left on the method (guards, interceptors, filters) belongs to the handler.
  for (const key of Reflect.getMetadataKeys(handler) as unknown[]) {
    Reflect.defineMetadata(key, Reflect.getMetadata(key, handler), shell);
  }
  Reflect.defineMetadata(descriptorKey, descriptor, shell);
  method.value = shell;

  ValidatedRequest()(prototype, name, 0);
  RequestMapping({
    path: nestPath(descriptor.path),
    method: RequestMethod[descriptor.method as keyof typeof RequestMethod],
  })(prototype, name, method);
}

/** What a handler returned, or what it deferred to. */
export function settle(response: unknown): unknown {
  // Nest would send an empty 200 of its own.
  if (response === undefined || response === null)
    throw new TypeError('The handler returned no response: use respond() of its operation.');
  return response instanceof OperationResponse && response.answer !== undefined ? response.answer() : response;
}

/** The operation that a controller method was bound to. */
export function boundOperation(method: object): OperationDescriptor | undefined {
  return Reflect.getMetadata(descriptorKey, method) as OperationDescriptor | undefined;
}
