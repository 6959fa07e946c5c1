import { FlowpactError } from './errors.ts';
import type { Operation, SecurityScheme } from './operation.ts';

/** A credential, or a function that fetches a current one before each attempt. */
export type Credential = string | (() => string | undefined | Promise<string | undefined>);

export interface CredentialOptions {
  /** Sent as the contract's API key header. */
  apiKey?: Credential | undefined;
  /** Sent as `Authorization: Bearer`; wins over `apiKey` where both are given. */
  accessToken?: Credential | undefined;
  /** The `Cookie` header to send, `name=value`, for callers that are not browsers: those send their cookies by themselves. */
  cookie?: Credential | undefined;
}

type Kind = keyof CredentialOptions;

/** Holds what proves who is calling, shows it to nobody, and takes it out of texts. */
export class Credentials {
  readonly #options: CredentialOptions;
  readonly #seen = new Set<string>();

  constructor(options: CredentialOptions) {
    this.#options = options;
  }

  /** Headers for the first alternative of the operation's security that can be met; none for a public one. */
  async headersFor(operation: Operation, schemes: Readonly<Record<string, SecurityScheme>>): Promise<Headers> {
    const headers = new Headers();
    for (const kind of ['accessToken', 'apiKey', 'cookie'] as const) {
      const scheme = schemeOf(operation, schemes, kind);
      const value = scheme === undefined ? undefined : await this.#read(kind);
      if (scheme === undefined || value === undefined) continue;
      if (kind === 'accessToken') headers.set('authorization', `Bearer ${value}`);
      else if (kind === 'apiKey') headers.set(scheme.name!, value);
      else headers.set('cookie', value);
      return headers;
    }
    return headers;
  }

  /** The text without any credential that this client has sent. */
  redact(text: string): string {
    return [...this.#seen].reduce((safe, secret) => safe.replaceAll(secret, '[redacted]'), text);
  }

  async #read(kind: Kind): Promise<string | undefined> {
    const option = this.#options[kind];
    const value = typeof option === 'function' ? await option() : option;
    if (value === undefined) return undefined;
    this.#seen.add(value);
    // Checked here because the platform's own message would quote the value.
    if (!/^[\x20-\x7e]+$/.test(value))
      throw new FlowpactError(`${kind} holds characters that no HTTP header can carry`);
    return value;
  }
}

function schemeOf(
  operation: Operation,
  schemes: Readonly<Record<string, SecurityScheme>>,
  kind: Kind,
): SecurityScheme | undefined {
  return operation.security
    .filter((alternative) => alternative.length === 1)
    .map(([name]) => schemes[name!])
    .find((scheme) => scheme !== undefined && kindOf(scheme) === kind);
}

function kindOf(scheme: SecurityScheme): Kind | undefined {
  if (scheme.type === 'http' && scheme.scheme?.toLowerCase() === 'bearer') return 'accessToken';
  if (scheme.type === 'oauth2' || scheme.type === 'openIdConnect') return 'accessToken';
  if (scheme.type !== 'apiKey') return undefined;
  return scheme.in === 'header' ? 'apiKey' : scheme.in === 'cookie' ? 'cookie' : undefined;
}
