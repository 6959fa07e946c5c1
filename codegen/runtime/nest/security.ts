import type { ContractDescriptor, OperationDescriptor, SecuritySchemeDescriptor } from './contract.ts';
import { RequestFailure } from './failure.ts';
import { parseCookies } from './parameters.ts';
import type { Authenticator, Credential, Principal } from './ports.ts';
import type { RequestContext } from './request-context.ts';

/** What authentication came to: undefined when the requirement holds, else the error to answer with. */
export type AuthenticationResult = Error | undefined;

interface SchemeCheck {
  readonly name: string;
  readonly read: (context: RequestContext) => Credential | undefined;
  readonly authenticator: Authenticator;
  readonly scopes: readonly string[];
}

type CheckResult = Principal | Error | undefined;

/** Evaluates the `security` of an operation: alternatives of schemes that must all hold. OpenAPI 3.1 section 4.8.30. */
export class SecurityPolicy {
  private readonly alternatives: readonly (readonly SchemeCheck[])[];
  private readonly anonymous: boolean;
  private readonly isDeclared: (code: string) => boolean;

  constructor(
    contract: ContractDescriptor,
    operation: OperationDescriptor,
    authenticators: Readonly<Record<string, Authenticator>>,
  ) {
    this.anonymous =
      operation.security.length === 0 ||
      operation.security.some((requirement) => Object.keys(requirement).length === 0);
    this.isDeclared = (code) => Object.hasOwn(operation.errors, code);
    this.alternatives = operation.security
      .map((requirement) =>
        Object.entries(requirement).map(([name, scopes]) => ({
          name,
          scopes,
          read: credentialReader(name, contract.securitySchemes[name], authenticators[name]?.names),
          authenticator: authenticators[name]!,
        })),
      )
      .filter((checks) => checks.length > 0);
  }

  /** Sets the context's principals when a requirement holds; synchronous where the authenticators are. */
  authenticate(context: RequestContext): AuthenticationResult | Promise<AuthenticationResult> {
    return this.attempt(context, 0, undefined);
  }

  private attempt(
    context: RequestContext,
    start: number,
    earlier: Error | undefined,
  ): AuthenticationResult | Promise<AuthenticationResult> {
    let failure = earlier;
    for (let index = start; index < this.alternatives.length; index += 1) {
      const checks = this.alternatives[index]!;
      const credentials = readAll(checks, context);
      if (credentials === undefined) continue;
      const result = this.check(context, checks, credentials);
      if (result instanceof Promise) {
        return result.then((error) =>
          error === undefined ? undefined : this.attempt(context, index + 1, worse(failure, error)),
        );
      }
      if (result === undefined) return undefined;
      failure = worse(failure, result);
    }
    if (failure !== undefined) return failure;
    return this.anonymous ? undefined : new RequestFailure('unauthenticated', 'The request carries no credentials.');
  }

  private check(
    context: RequestContext,
    checks: readonly SchemeCheck[],
    credentials: readonly Credential[],
  ): AuthenticationResult | Promise<AuthenticationResult> {
    if (checks.length > 1) return this.checkAll(context, checks, credentials);
    const check = checks[0]!;
    let result: CheckResult | Promise<CheckResult>;
    try {
      result = check.authenticator.authenticate(credentials[0]!, context);
    } catch (error) {
      result = this.refusal(error);
    }
    if (!(result instanceof Promise)) return accept(context, check, result);
    return result.then(
      (principal) => accept(context, check, principal),
      (error: unknown) => this.refusal(error),
    );
  }

  private async checkAll(
    context: RequestContext,
    checks: readonly SchemeCheck[],
    credentials: readonly Credential[],
  ): Promise<AuthenticationResult> {
    const principals: Record<string, Principal> = {};
    for (const [index, check] of checks.entries()) {
      const failure = await this.check(context, [check], [credentials[index]!]);
      if (failure !== undefined) return failure;
      principals[check.name] = context.principals[check.name]!;
    }
    context.principals = principals;
    context.principal = principals[checks[0]!.name];
    return undefined;
  }

  /** An error of an authenticator that the contract declares refuses the credential; any other is a fault of its own. */
  private refusal(error: unknown): Error {
    if (error instanceof RequestFailure) return error;
    const code = (error as { code?: unknown } | null)?.code;
    if (error instanceof Error && typeof code === 'string' && this.isDeclared(code)) return error;
    throw error;
  }
}

function accept(context: RequestContext, check: SchemeCheck, result: CheckResult): AuthenticationResult {
  if (result instanceof Error) return result;
  if (result === undefined || result === null) {
    return new RequestFailure('unauthenticated', 'The credentials are not valid.');
  }
  if (check.scopes.length > 0) {
    const missingScopes = check.scopes.filter((scope) => !holds(result.scopes, scope));
    if (missingScopes.length > 0) {
      // Known to the rate limiter, which counts the refused request for its caller.
      context.principal = result;
      return new RequestFailure('insufficient_scope', `The caller lacks the scope ${missingScopes.join(', ')}.`, {
        details: { requiredScopes: check.scopes, missingScopes },
      });
    }
  }
  context.principals = { [check.name]: result };
  context.principal = result;
  return undefined;
}

function holds(scopes: Principal['scopes'], scope: string): boolean {
  if (scopes === undefined) return false;
  return Array.isArray(scopes) ? scopes.includes(scope) : (scopes as ReadonlySet<string>).has(scope);
}

/** Of two refusals the one that says more: a known caller without the right, then the first. */
function worse(first: Error | undefined, second: Error): Error {
  if (first === undefined) return second;
  return second instanceof RequestFailure && second.kind === 'insufficient_scope' ? second : first;
}

function readAll(checks: readonly SchemeCheck[], context: RequestContext): readonly Credential[] | undefined {
  const credentials: Credential[] = [];
  for (const check of checks) {
    const credential = check.read(context);
    if (credential === undefined) return undefined;
    credentials.push(credential);
  }
  return credentials;
}

function credentialReader(
  scheme: string,
  descriptor: SecuritySchemeDescriptor | undefined,
  further: readonly string[] = [],
): (context: RequestContext) => Credential | undefined {
  // The boot check reports it; nobody can satisfy it.
  if (descriptor === undefined) return () => undefined;
  const { type, in: location, name = '', scheme: httpScheme } = descriptor;
  if (type === 'apiKey') return apiKeyReader(scheme, location, [name, ...further]);
  if (type === 'mutualTLS') return () => ({ scheme, type: 'other', value: '' });
  if (type === 'http' && httpScheme?.toLowerCase() === 'basic') {
    return ({ request }) => basic(scheme, request.headers.authorization);
  }
  const prefix = type === 'http' ? (httpScheme ?? 'bearer').toLowerCase() : 'bearer';
  return ({ request }) => {
    const value = authorization(request.headers.authorization, prefix);
    if (value === undefined) return undefined;
    return { scheme, type: prefix === 'bearer' ? 'bearer' : 'other', value };
  };
}

function apiKeyReader(
  scheme: string,
  location: SecuritySchemeDescriptor['in'],
  names: readonly string[],
): (context: RequestContext) => Credential | undefined {
  const firstOf = (read: (name: string) => unknown): Credential | undefined => {
    for (const name of names) {
      const value = read(name);
      if (typeof value === 'string' && value !== '') return { scheme, type: 'apiKey', value };
    }
    return undefined;
  };
  if (location === 'query') {
    return ({ request }) => {
      const query = new URLSearchParams(request.raw.url!.replace(/^[^?]*/, ''));
      return firstOf((name) => query.get(name));
    };
  }
  if (location === 'cookie') {
    return ({ request }) => {
      if (request.headers.cookie === undefined) return undefined;
      const cookies = parseCookies(request.headers.cookie);
      return firstOf((name) => cookies.get(name));
    };
  }
  const headers = names.map((name) => name.toLowerCase());
  if (headers.length > 1) return ({ request }) => firstOf((name) => request.headers[name.toLowerCase()]);
  const header = headers[0]!;
  return ({ request }) => {
    const value = request.headers[header];
    return typeof value === 'string' && value !== '' ? { scheme, type: 'apiKey', value } : undefined;
  };
}

/** The credentials after the scheme's name, which is case-insensitive. RFC 9110 section 11.4. */
function authorization(header: string | undefined, scheme: string): string | undefined {
  if (header === undefined || header[scheme.length] !== ' ') return undefined;
  if (header.slice(0, scheme.length).toLowerCase() !== scheme) return undefined;
  return header.slice(scheme.length + 1).trim();
}

/** RFC 7617. */
function basic(scheme: string, header: string | undefined): Credential | undefined {
  const value = authorization(header, 'basic');
  if (value === undefined) return undefined;
  const text = Buffer.from(value, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  const username = colon === -1 ? text : text.slice(0, colon);
  return { scheme, type: 'basic', value, username, password: colon === -1 ? '' : text.slice(colon + 1) };
}

/** The `WWW-Authenticate` of a 401: the HTTP schemes that would help. RFC 9110 section 11.6.1. */
export function challenge(
  contract: ContractDescriptor,
  operation: OperationDescriptor | undefined,
  realm: string,
): string {
  const names = (operation?.security ?? []).flatMap((requirement) => Object.keys(requirement));
  const schemes = (names.length > 0 ? names : Object.keys(contract.securitySchemes)).map(
    (name) => contract.securitySchemes[name],
  );
  const http = schemes.map((scheme) => {
    if (scheme === undefined) return undefined;
    if (scheme.type === 'http') return scheme.scheme?.toLowerCase() === 'basic' ? 'Basic' : 'Bearer';
    return scheme.type === 'oauth2' || scheme.type === 'openIdConnect' ? 'Bearer' : undefined;
  });
  const useful = [...new Set(http.filter((name) => name !== undefined))];
  const quoted = realm.replace(/["\\]/g, '');
  return (useful.length > 0 ? useful : ['ApiKey']).map((name) => `${name} realm="${quoted}"`).join(', ');
}
