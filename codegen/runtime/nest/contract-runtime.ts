import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';

import { Logger, NotFoundException } from '@nestjs/common';
import {
  MetadataScanner,
  type ExternalContextCreator,
  type HttpAdapterHost,
  type ModulesContainer,
} from '@nestjs/core';
import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify';

import { BootCheckError, bootProblems, type BoundMethod, type ForeignRoute } from './boot-check.ts';
import { installBodyParsers } from './body-parsers.ts';
import type { OperationDescriptor } from './contract.ts';
import type { EventStreamBody } from './event-stream.ts';
import { RequestFailure } from './failure.ts';
import { FailureResponder } from './failure-responder.ts';
import { boundOperation } from './operation-binding.ts';
import { OperationRuntime } from './operation-runtime.ts';
import type { ContractModuleOptions } from './options.ts';
import type { ContractBinding, RuntimeObserver } from './ports.ts';
import { directHandler, needsNoPipeline, type ControllerWrapper } from './direct-handler.ts';
import { onClientError } from './client-errors.ts';
import { drain } from './drain.ts';
import { rawReply, rawRequest } from './raw-response.ts';
import { contextKey, RequestContext } from './request-context.ts';
import { repeatedHeader } from './repeated-headers.ts';
import { ResponseEncoder } from './response-encoder.ts';
import { onRouterError } from './router-errors.ts';
import { isSimple, nestPath, pathExpression, routerPath } from './route-path.ts';

interface ServedContract {
  readonly binding: ContractBinding;
  readonly responder: FailureResponder;
  readonly paths: readonly { readonly expression: RegExp; readonly method: string; readonly literal: boolean }[];
  /** The literal beginning that all its paths have. */
  readonly prefix: string;
}

interface BoundController extends BoundMethod {
  readonly controller: ControllerWrapper;
  readonly name: string;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /**
     * For a route outside every contract: the operation whose security, rate limit and error shapes hold for it too. The
     * handler finds the caller with `principalOf`; path, query and body it reads by itself.
     */
    admittedBy?: string;
  }
}

type Carrier = FastifyRequest & { [contextKey]?: RequestContext };

/** Serves the contracts of an application: installs itself on every route that a contract has, and answers for the rest. */
export class ContractRuntime {
  private readonly options: ContractModuleOptions;
  private readonly modules: ModulesContainer;
  private readonly contexts: ExternalContextCreator;
  private readonly instance: FastifyInstance;
  private readonly contracts: readonly ServedContract[];
  private readonly operations = new Map<string, OperationRuntime>();
  private readonly foreign: ForeignRoute[] = [];
  private bound: BoundController[] | undefined;
  private readonly streams = new Set<EventStreamBody>();
  private readonly requestIdHeader: string;
  /** Nest's own tools want to see every call. */
  private readonly observesRoutes: boolean;
  private checked = false;
  private prepared = false;

  constructor(
    options: ContractModuleOptions,
    { httpAdapter }: HttpAdapterHost,
    modules: ModulesContainer,
    contexts: ExternalContextCreator,
  ) {
    if (httpAdapter?.getType() !== 'fastify')
      throw new Error('ContractModule needs NestJS on Fastify (@nestjs/platform-fastify).');
    this.options = options;
    this.modules = modules;
    this.contexts = contexts;
    this.observesRoutes = httpAdapter.getOnRouteTriggered?.() !== undefined;
    this.instance = httpAdapter.getInstance<FastifyInstance>();
    this.requestIdHeader = options.requestId?.header ?? 'X-Request-Id';
    const observer = { ...logging(), ...options.observer };
    this.contracts = options.contracts.map((binding) => this.serve(binding, observer));

    this.instance.setGenReqId(requestIds(this.requestIdHeader, options.requestId?.accept));
    onRouterError(this.instance, (error, request, reply) => this.handle(error, request, reply));
    onClientError(this.instance, (failure, request, response) => this.handle(failure, request, response));
    this.instance.addHook('onRoute', (route) => this.onRoute(route));
    // Plugins add their routes as late as here.
    this.instance.addHook('onReady', (done) => done(this.checked ? this.findProblems() : undefined));
  }

  /** Called by Nest when all routes of controllers exist. */
  onApplicationBootstrap(): void {
    this.checked = true;
    const problems = this.findProblems();
    if (problems !== undefined) throw problems;
  }

  /** Called by Nest before the server stops: streams that never end by themselves would keep it from stopping. */
  beforeApplicationShutdown(): void {
    for (const stream of this.streams) stream.finish();
  }

  /** Answers a request that ended in an error. Takes Fastify's pair, or Node's where a middleware failed. */
  handle(error: unknown, request: FastifyRequest | IncomingMessage, reply: FastifyReply | ServerResponse): void {
    if (!('raw' in request) || !('raw' in reply)) {
      const res = reply as ServerResponse;
      const id = String(res.getHeader(this.requestIdHeader) ?? randomUUID());
      this.handle(error, rawRequest(request as IncomingMessage, id), rawReply(res));
      return;
    }
    const known = (request as Carrier)[contextKey];
    const operation = known?.operation;
    const failure = this.ofFastify(error, operation);
    if (failure instanceof RequestFailure && failure.kind === 'payload_too_large') {
      drain(request.raw, () => this.answer(failure, request, reply));
    } else {
      this.answer(failure, request, reply);
    }
  }

  private answer(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
    const known = (request as Carrier)[contextKey];
    if (known?.operation !== undefined) {
      this.operations.get(keyOf(known.operation))!.fail(known, error);
      return;
    }
    const contract = this.contractOf(request);
    const context = known ?? new RequestContext(request, reply, contract.binding.descriptor, undefined);
    (request as Carrier)[contextKey] = context;
    reply.header(this.requestIdHeader, request.id);
    if (this.options.cacheControl !== undefined) reply.header('Cache-Control', this.options.cacheControl);
    if (request.is404 && isAboutNothing(error)) this.notFound(context, contract);
    else contract.responder.fail(context, error);
  }

  private serve(binding: ContractBinding, observer: Required<RuntimeObserver>): ServedContract {
    const { options } = this;
    const { descriptor } = binding;
    const responder = new FailureResponder(
      descriptor,
      binding.errors,
      options.codes ?? {},
      options.realm ?? descriptor.name,
      observer,
      options.translateError,
    );
    const operations = Object.values(descriptor.operations);
    for (const operation of operations) {
      const encoder = new ResponseEncoder(operation, {
        validation: options.responseValidation ?? (process.env['NODE_ENV'] === 'production' ? 'log' : 'throw'),
        checkEvery: options.checkEvery ?? 16,
        supply: binding.supply ?? {},
        codecs: options.mediaTypes ?? {},
        keepAlive: options.keepAlive ?? 15_000,
        onInvalid: observer.invalidResponse,
        onStream: (stream) => {
          this.streams.add(stream);
          stream.once('close', () => this.streams.delete(stream));
        },
      });
      const idempotency = options.idempotency || undefined;
      const runtime = new OperationRuntime(descriptor, operation, {
        authenticators: options.authenticators ?? {},
        rateLimiter: options.rateLimiter || undefined,
        idempotency: idempotency && {
          store: idempotency.store,
          header: (idempotency.header ?? 'Idempotency-Key').toLowerCase(),
        },
        codecs: options.mediaTypes ?? {},
        maxNames: options.maxNames,
        requestIdHeader: this.requestIdHeader,
        cacheControl: options.cacheControl,
        around: options.around,
        encoder,
        responder,
      });
      this.operations.set(keyOf(operation), runtime);
    }
    const paths = operations.map(({ method, path }) => ({
      method,
      expression: pathExpression(path).expression,
      literal: !path.includes('{'),
    }));
    return { binding, responder, paths, prefix: commonPrefix(operations.map(({ path }) => path)) };
  }

  /** Fastify tells of every route before it exists; what is set here becomes part of it. */
  private onRoute(route: RouteOptions & { url: string; path?: string }): void {
    const methods = Array.isArray(route.method) ? route.method : [route.method];
    const method = methods.length === 1 ? methods[0]! : '';
    const runtime =
      this.operations.get(`${method} ${route.url}`) ??
      (method === 'HEAD' ? this.operations.get(`GET ${route.url}`) : undefined);
    if (runtime === undefined) {
      // The preflight route of CORS answers for every path.
      if (!(method === 'OPTIONS' && /^\/?\*$/.test(route.url))) {
        this.foreign.push(...methods.map((name) => ({ method: name, url: route.url })));
      }
      route.onRequest = [this.admission(route) ?? this.identify, ...toArray(route.onRequest)];
      return;
    }
    this.prepare();
    const { path, bodyLimit } = runtime.operation;
    if (!isSimple(path)) {
      route.url = routerPath(path);
      route.path = route.url;
    }
    route.bodyLimit = bodyLimit;
    const [bound] = this.boundMethods().filter(({ operation }) => operation === runtime.operation);
    if (bound !== undefined && !this.observesRoutes && needsNoPipeline(bound.controller, bound.name, this.contexts)) {
      const instance = bound.controller.instance as Parameters<typeof directHandler>[0];
      route.handler = directHandler(instance, bound.name, (error, request, reply) =>
        this.handle(error, request, reply),
      );
    }
    route.onRequest = [runtime.onRequest, ...toArray(route.onRequest)];
    route.preValidation = [runtime.preValidation, ...toArray(route.preValidation)];
  }

  /** A route of the application's own that lets in whom an operation lets in. */
  private admission({ config, url }: RouteOptions): OperationRuntime['admitRequest'] | undefined {
    if (config?.admittedBy === undefined) return undefined;
    const descriptors = this.contracts.map(({ binding }) => binding.descriptor.operations[config.admittedBy!]);
    const operation = descriptors.find((descriptor) => descriptor !== undefined);
    if (operation === undefined)
      throw new Error(`The route ${url} names the operation ${config.admittedBy}, which no contract has.`);
    return this.operations.get(keyOf(operation))!.admitRequest;
  }

  private readonly identify = (request: FastifyRequest, reply: FastifyReply, done: () => void): void => {
    reply.header(this.requestIdHeader, request.id);
    const repeated = repeatedHeader(request.raw.rawHeaders);
    if (repeated === undefined) done();
    else this.handle(repeated, request, reply);
  };

  /** With the first route of a contract Nest has installed its body parsers, and before it Fastify meets a duplicate. */
  private prepare(): void {
    if (this.prepared) return;
    this.prepared = true;
    const operations = [...this.operations.values()].map(({ operation }) => operation);
    installBodyParsers(this.instance, operations, (request) => isBound(request as Carrier));
    const counts = Map.groupBy(this.boundMethods(), ({ operation }) => operation);
    if ([...counts.values()].some((methods) => methods.length > 1)) throw this.findProblems()!;
  }

  private findProblems(): BootCheckError | undefined {
    const problems = bootProblems(this.options, this.boundMethods(), this.foreign);
    return problems.length === 0 ? undefined : new BootCheckError(problems);
  }

  private boundMethods(): BoundController[] {
    this.bound ??= [...this.modules.values()].flatMap((module) =>
      [...module.controllers.values()].flatMap(boundMethodsOf),
    );
    return this.bound;
  }

  /** Nothing is at the path: unless it has other methods. RFC 9110 section 15.5.6. */
  private notFound(context: RequestContext, { paths, responder }: ServedContract): void {
    const path = (context.request.raw.url ?? '').split('?', 1)[0]!;
    const matching = paths.filter(({ expression }) => expression.test(path));
    // A path that stands in the contract as it is means itself, whatever templates it fits too. OpenAPI 3.1 section 4.8.8.2.
    const literal = matching.filter((one) => one.literal);
    const allow = [...new Set((literal.length > 0 ? literal : matching).map(({ method }) => method))];
    if (allow.length === 0) {
      responder.fail(context, new RequestFailure('not_found', 'There is nothing at this path.'));
      return;
    }
    if (allow.includes('GET') && !allow.includes('HEAD')) allow.push('HEAD');
    allow.push('OPTIONS');
    const headers = { Allow: allow.join(', ') };
    if (context.request.method === 'OPTIONS') {
      context.reply.code(204).headers(headers).send();
      return;
    }
    const message = `This path has no ${context.request.method}, only ${allow.join(', ')}.`;
    responder.fail(context, new RequestFailure('method_not_allowed', message, { details: { allow }, headers }));
  }

  private contractOf(request: FastifyRequest): ServedContract {
    const url = request.raw.url ?? '';
    const candidates = this.contracts.filter(({ prefix }) => url.startsWith(prefix));
    return candidates.sort((a, b) => b.prefix.length - a.prefix.length)[0] ?? this.contracts[0]!;
  }

  /** Errors that Fastify makes of a request before a handler sees it, which Nest passes on as exceptions. */
  private ofFastify(error: unknown, operation: OperationDescriptor | undefined): unknown {
    const original = ((error as Error | undefined)?.cause ?? error) as { code?: unknown } | undefined;
    switch (original?.code) {
      case 'FST_ERR_CTP_BODY_TOO_LARGE': {
        const limit = operation?.bodyLimit ?? this.instance.initialConfig.bodyLimit!;
        return new RequestFailure('payload_too_large', `The request body is larger than ${limit} bytes.`, {
          details: { limit },
        });
      }
      case 'FST_ERR_ROUTE_MISSING_CONTENT_TYPE':
      case 'FST_ERR_CTP_INVALID_MEDIA_TYPE': {
        const supported = Object.keys(operation?.request.body?.content ?? {});
        const message =
          supported.length === 0
            ? 'The media type of the request body is not supported.'
            : `The request body must be ${supported.join(' or ')}.`;
        return new RequestFailure('unsupported_media_type', message, { details: { supported } });
      }
      case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
        return invalid('does not have the length that Content-Length says', 'body');
      case 'FST_ERR_MAX_PARAM_LENGTH':
        // Nothing that exists has an id that long.
        return new RequestFailure('not_found', 'There is nothing at this path.');
      case 'FST_ERR_BAD_URL':
        return invalid('is not valid percent-encoding', 'path');
      default:
        return error;
    }
  }
}

function invalid(message: string, location: 'body' | 'path'): RequestFailure {
  const subject = location === 'body' ? 'The request body' : 'The path';
  return new RequestFailure('validation', `${subject} ${message}.`, {
    details: { errors: [{ field: '', message, location }] },
  });
}

/** Fastify looks at the body even of a request that leads nowhere; what it says of it does not matter then. */
function isAboutNothing(error: unknown): boolean {
  if (error instanceof NotFoundException) return true;
  return (
    error instanceof RequestFailure && (error.kind === 'payload_too_large' || error.kind === 'unsupported_media_type')
  );
}

const keyOf = ({ method, path }: OperationDescriptor) => `${method} ${nestPath(path)}`;

const isBound = (request: Carrier) => request[contextKey]?.operation !== undefined;

function boundMethodsOf(controller: ControllerWrapper): BoundController[] {
  const { metatype } = controller;
  if (typeof metatype !== 'function') return [];
  const prototype = metatype.prototype as Record<string, object>;
  return new MetadataScanner().getAllMethodNames(prototype).flatMap((name) => {
    const operation = boundOperation(prototype[name]!);
    return operation === undefined ? [] : [{ method: `${metatype.name}.${name}`, operation, controller, name }];
  });
}

function toArray<T>(value: T | T[] | undefined): T[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}

function commonPrefix(paths: readonly string[]): string {
  const literals = paths.map((path) => path.split('{', 1)[0]!);
  let prefix = literals[0] ?? '';
  for (const literal of literals) {
    while (!literal.startsWith(prefix)) prefix = prefix.slice(0, -1);
  }
  return prefix;
}

/** A client's id is taken over when it can do no harm in a log or header. */
function requestIds(
  header: string,
  accept = /^[\w.:-]{1,128}$/,
): (request: { headers: IncomingMessage['headers'] }) => string {
  const name = header.toLowerCase();
  return ({ headers }) => {
    const sent = headers[name];
    return typeof sent === 'string' && accept.test(sent) ? sent : randomUUID();
  };
}

function logging(): Required<RuntimeObserver> {
  const logger = new Logger('ContractRuntime');
  return {
    unexpectedError: (error, { requestId, operation }) =>
      logger.error(
        { message: 'Unexpected error', requestId, operation: operation?.id, err: error },
        (error as Error | undefined)?.stack,
      ),
    invalidResponse: (problems, { requestId, operation }) =>
      logger.warn({ message: 'A response does not match its contract', requestId, operation: operation?.id, problems }),
    failure: () => undefined,
  };
}
