import { isTemplate } from '../../language/template.ts';
import type { Disclosure } from '../../vault/disclosure.ts';
import type { HttpRequestParams } from './http-request.schema.ts';
import type { OAuthTokens } from './oauth-tokens.ts';

/** What makes the other server know who calls. */
export interface SignIn {
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  /** To be called when the other server did not accept it. */
  refused(): void;
}

const noMatter = (): void => undefined;

/** The name of the credential that `auth` asks for, if it is known. */
export function credentialOf(auth: unknown): string[] {
  const name = (auth as { credential?: unknown } | undefined)?.credential;
  return typeof name === 'string' && !isTemplate(name) ? [name] : [];
}

/** What `auth` comes to; throws a NodeFailure for a credential that is not for HTTP. */
export async function signIn(
  { tokens }: { tokens: OAuthTokens },
  disclosure: Disclosure,
  auth: HttpRequestParams['auth'],
  signal: AbortSignal,
): Promise<SignIn> {
  if (auth === undefined) return { headers: {}, query: {}, refused: noMatter };
  if (!('credential' in auth)) return byParams(disclosure, auth);
  const values = disclosure.credentialOf('api_key', 'bearer', 'basic', 'oauth2', 'custom');
  switch (values.type) {
    case 'api_key': {
      const { key, in: place = 'header', name = 'X-API-Key' } = values;
      return place === 'query'
        ? { headers: {}, query: { [name]: key }, refused: noMatter }
        : byHeaders({ [name.toLowerCase()]: key });
    }
    case 'bearer':
      return byHeaders({ authorization: `Bearer ${values.token}` });
    case 'basic':
      return byHeaders({ authorization: basic(values.username, values.password) });
    case 'custom':
      return byHeaders(
        Object.fromEntries(Object.entries(values.headers).map(([name, value]) => [name.toLowerCase(), value])),
      );
    case 'oauth2': {
      const token = await tokens.of(disclosure.credential!, values, signal);
      disclosure.conceal(token);
      return {
        ...byHeaders({ authorization: `Bearer ${token}` }),
        refused: () => tokens.forget(disclosure.credential!),
      };
    }
  }
}

function byParams(
  disclosure: Disclosure,
  auth: Exclude<HttpRequestParams['auth'], undefined | { credential: string }>,
): SignIn {
  if (auth.type === 'bearer') return byHeaders({ authorization: `Bearer ${disclosure.reveal(auth.token)}` });
  return byHeaders({ authorization: basic(disclosure.reveal(auth.username), disclosure.reveal(auth.password)) });
}

function byHeaders(headers: Record<string, string>): SignIn {
  return { headers, query: {}, refused: noMatter };
}

/** RFC 7617. */
function basic(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}
