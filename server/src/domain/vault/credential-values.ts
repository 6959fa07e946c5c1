/** What kinds of signing in there are. */
export const credentialTypes = ['api_key', 'bearer', 'basic', 'oauth2', 'smtp', 'custom'] as const;
export type CredentialType = (typeof credentialTypes)[number];

/** What is kept secret of a credential, by its type. */
export type CredentialValues =
  | { readonly type: 'api_key'; readonly key: string; readonly in?: 'header' | 'query'; readonly name?: string }
  | { readonly type: 'bearer'; readonly token: string }
  | { readonly type: 'basic'; readonly username: string; readonly password: string }
  | OAuth2Values
  | SmtpValues
  | { readonly type: 'custom'; readonly headers: Readonly<Record<string, string>> };

/** A client of an OAuth 2.0 server (RFC 6749 section 4.4). */
export interface OAuth2Values {
  readonly type: 'oauth2';
  readonly token_url: string;
  readonly client_id: string;
  readonly client_secret: string;
  readonly scope?: string;
  readonly audience?: string;
}

/** A mail server. */
export interface SmtpValues {
  readonly type: 'smtp';
  readonly host: string;
  readonly port?: number;
  readonly security?: 'tls' | 'starttls' | 'none';
  readonly username?: string;
  readonly password?: string;
}

/** The port of a mail server, also where it is the usual one (RFC 8314 section 3.3, RFC 6409 section 3.1). */
export function mailPort({ port, security }: Pick<SmtpValues, 'port' | 'security'>): number {
  return port ?? (security === 'tls' ? 465 : 587);
}

/** Those of the values that must not be seen; the others are addresses and names. */
export function secretsOf(values: CredentialValues): string[] {
  switch (values.type) {
    case 'api_key':
      return [values.key];
    case 'bearer':
      return [values.token];
    case 'basic':
      // Some services take a key for the name and no password.
      return values.password === '' ? [values.username] : [values.password, `${values.username}:${values.password}`];
    case 'oauth2':
      return [values.client_secret];
    case 'smtp':
      return values.password === undefined ? [] : [values.password, `\0${values.username ?? ''}\0${values.password}`];
    case 'custom':
      return Object.values(values.headers).flatMap((value) => [value, ...value.split(/\s+/).filter(isLong)]);
  }
}

function isLong(word: string): boolean {
  return word.length >= 12;
}
