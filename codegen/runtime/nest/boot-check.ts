import { RequestMethod } from '@nestjs/common';

import type { OperationDescriptor } from './contract.ts';
import { essence } from './media-type.ts';
import type { ContractModuleOptions } from './options.ts';
import type { ContractBinding } from './ports.ts';

/** The application and its contracts do not fit together; the message lists everything that is wrong. */
export class BootCheckError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`The application does not match its contracts:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
    this.name = 'BootCheckError';
    this.problems = problems;
  }
}

/** A controller method that is bound to an operation. */
export interface BoundMethod {
  readonly method: string;
  readonly operation: OperationDescriptor;
}

/** A route that no contract has. */
export interface ForeignRoute {
  readonly method: string;
  readonly url: string;
}

/** Everything that keeps the application from serving its contracts as they stand. */
export function bootProblems(
  options: ContractModuleOptions,
  bound: readonly BoundMethod[],
  foreign: readonly ForeignRoute[],
): string[] {
  return [
    ...options.contracts.flatMap((binding) => contractProblems(binding, options, bound)),
    ...foreignProblems(foreign, options.allowRoutes ?? []),
    ...codeProblems(options),
  ];
}

function contractProblems(
  binding: ContractBinding,
  options: ContractModuleOptions,
  bound: readonly BoundMethod[],
): string[] {
  const { descriptor } = binding;
  const operations = Object.values(descriptor.operations);
  const problems = operations.flatMap((operation) => bindingProblems(descriptor.name, operation, bound));

  const schemes = new Set(
    operations.flatMap(({ security }) => security.flatMap((requirement) => Object.keys(requirement))),
  );
  for (const scheme of schemes) {
    if (descriptor.securitySchemes[scheme] === undefined) {
      problems.push(`${descriptor.name}: the security scheme ${scheme} is used and not declared`);
    } else if (options.authenticators?.[scheme] === undefined) {
      problems.push(
        `${descriptor.name}: the security scheme ${scheme} has no authenticator (authenticators.${scheme})`,
      );
    }
  }

  const supplied = new Set(
    operations.flatMap(({ responses }) =>
      Object.values(responses).flatMap(({ content }) =>
        Object.values(content).flatMap((media) => media.supplied ?? []),
      ),
    ),
  );
  for (const property of supplied) {
    if (binding.supply?.[property] === undefined) {
      problems.push(`${descriptor.name}: nothing supplies the response property ${property} (supply.${property})`);
    }
  }

  if (Object.keys(binding.errors.bodies).length === 0) {
    problems.push(`${descriptor.name}: the error format has no media type (errors.bodies)`);
  }
  problems.push(...codecProblems(descriptor.name, operations, options.mediaTypes ?? {}));
  const idempotent = operations.find((operation) => operation.idempotent);
  if (idempotent !== undefined && options.idempotency === undefined) {
    problems.push(
      `${descriptor.name}: ${idempotent.id} is idempotent and there is no store (idempotency, or false for none)`,
    );
  }
  const limited = operations.find((operation) => operation.rateLimit !== undefined);
  if (limited !== undefined && options.rateLimiter === undefined) {
    problems.push(
      `${descriptor.name}: ${limited.id} has a rate limit and there is no limiter (rateLimiter, or false for none)`,
    );
  }
  return problems;
}

function codecProblems(
  contract: string,
  operations: readonly OperationDescriptor[],
  codecs: NonNullable<ContractModuleOptions['mediaTypes']>,
): string[] {
  const missing = (content: Readonly<Record<string, { readonly kind: string }>>, direction: 'decode' | 'encode') =>
    Object.entries(content)
      .filter(([mediaType, { kind }]) => kind === 'encoded' && codecs[essence(mediaType)]?.[direction] === undefined)
      .map(([mediaType]) => `${contract}: nothing can ${direction} ${mediaType} (mediaTypes)`);
  const problems = operations.flatMap(({ request, responses }) => [
    ...missing(request.body?.content ?? {}, 'decode'),
    ...Object.values(responses).flatMap(({ content }) => missing(content, 'encode')),
  ]);
  return [...new Set(problems)];
}

function bindingProblems(contract: string, operation: OperationDescriptor, bound: readonly BoundMethod[]): string[] {
  const where = `${contract}: ${operation.id} (${operation.method} ${operation.path})`;
  if (RequestMethod[operation.method as keyof typeof RequestMethod] === undefined) {
    return [`${where} has a method that Nest cannot route`];
  }
  const methods = bound.filter((candidate) => candidate.operation === operation).map(({ method }) => method);
  if (methods.length === 0) return [`${where} is bound to no controller method`];
  return methods.length === 1 ? [] : [`${where} is bound to several controller methods: ${methods.join(', ')}`];
}

function foreignProblems(foreign: readonly ForeignRoute[], allowed: readonly string[]): string[] {
  const patterns = allowed.map(routePattern);
  return foreign
    .filter(({ method, url }) => !patterns.some((pattern) => pattern.test(`${method} ${url}`)))
    .map(({ method, url }) => `the route ${method} ${url} is in no contract (allowRoutes, if it may exist)`);
}

/** `GET /metrics`, `/docs` with any method, `/docs/*` with anything below. */
function routePattern(route: string): RegExp {
  const [method, path] = route.includes(' ') ? (route.split(' ', 2) as [string, string]) : ['', route];
  const source = path.replace(/[\\^$.+?()[\]{}|]/g, '\\$&').replaceAll('*', '.*');
  return new RegExp(`^${method === '' ? '[A-Z]+' : method === 'GET' ? '(?:GET|HEAD)' : method} ${source}$`);
}

function codeProblems({ contracts, codes, throwableCodes }: ContractModuleOptions): string[] {
  const declared = new Set(
    contracts.flatMap(({ descriptor }) =>
      Object.values(descriptor.operations).flatMap(({ errors }) => Object.keys(errors)),
    ),
  );
  return [
    ...(throwableCodes ?? [])
      .filter((code) => !declared.has(code))
      .map((code) => `the error code ${code} can be thrown and no operation declares it`),
    ...Object.entries(codes ?? {})
      .filter(([, code]) => !declared.has(code))
      .map(([kind, code]) => `codes.${kind} is ${code}, which no operation declares`),
  ];
}
