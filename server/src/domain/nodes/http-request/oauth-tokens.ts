import type { OAuth2Values } from '../../vault/credential-values.ts';
import { currentOrganisation } from '../../tenancy/current-organisation.ts';
import { SharedCache } from '../../tenancy/shared-cache.ts';
import type { OpenCredential } from '../../vault/disclosure.ts';
import { NodeFailure } from '../node-type.ts';
import { type OutgoingHttp, OutgoingHttpError, type OutgoingResponse } from '../outgoing-http.ts';

/** Used this long before its end at most, so that it does not end on its way. */
const marginMs = 30_000;
/** When the server does not say how long a token holds (RFC 6749 section 5.1). */
const unknownLifeMs = 5 * 60_000;
const maxTokens = 1_000;

/** Access tokens by the client credentials grant (RFC 6749 section 4.4), kept in memory for as long as they hold. */
export class OAuthTokens {
  readonly #http: OutgoingHttp;
  readonly #tokens = new SharedCache<{ token: string; until: number }>({ name: 'oauth_tokens', maxEntries: maxTokens });

  constructor(http: OutgoingHttp) {
    this.#http = http;
  }

  /** Throws a NodeFailure `credential_refused` or `credential_unavailable`. */
  async of(credential: OpenCredential, values: OAuth2Values, signal: AbortSignal): Promise<string> {
    const known = this.#tokens.get(currentOrganisation(), keyOf(credential));
    if (known && known.until > Date.now()) return known.token;
    const { token, life } = await this.#ask(credential, values, signal);
    this.#tokens.set(currentOrganisation(), keyOf(credential), { token, until: Date.now() + life - marginMs });
    return token;
  }

  /** The next call asks for a new one. */
  forget(credential: OpenCredential): void {
    this.#tokens.delete(currentOrganisation(), keyOf(credential));
  }

  async #ask(
    { name }: OpenCredential,
    values: OAuth2Values,
    signal: AbortSignal,
  ): Promise<{ token: string; life: number }> {
    const response = await this.#post(name, values, signal);
    if (response.status >= 500) throw unavailable(name, `the token endpoint answered ${response.status}`);
    if (response.status !== 200) {
      throw new NodeFailure('credential_refused', `The credential ${name} got no token: ${response.status}.`, {
        credential: name,
        status: response.status,
        error: String(parsed(response)?.['error'] ?? '').slice(0, 200),
      });
    }
    const answer = parsed(response);
    const token = answer?.['access_token'];
    if (typeof token !== 'string' || token === '') throw unavailable(name, 'the token endpoint gave no access_token');
    const seconds = Number(answer?.['expires_in']);
    return { token, life: seconds > 0 ? seconds * 1_000 : unknownLifeMs };
  }

  async #post(name: string, values: OAuth2Values, signal: AbortSignal): Promise<OutgoingResponse> {
    const { token_url, client_id, client_secret, scope, audience } = values;
    const form = new URLSearchParams({ grant_type: 'client_credentials' });
    if (scope !== undefined) form.set('scope', scope);
    if (audience !== undefined) form.set('audience', audience);
    // RFC 6749 section 2.3.1: both are encoded as in a form before they become a name and a password.
    const [id, secret] = [client_id, client_secret].map((part) =>
      new URLSearchParams([['', part]]).toString().slice(1),
    );
    try {
      return await this.#http.send({
        method: 'POST',
        url: new URL(token_url),
        headers: {
          accept: 'application/json',
          'content-type': 'application/x-www-form-urlencoded',
          authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`,
        },
        body: form.toString(),
        timeout: 15_000,
        redirects: 0,
        maxBytes: 65_536,
        signal,
      });
    } catch (error) {
      if (error instanceof OutgoingHttpError) throw unavailable(name, error.message);
      throw error;
    }
  }
}

function keyOf({ id, revision }: OpenCredential): string {
  return `${id}:${revision}`;
}

function parsed({ body }: OutgoingResponse): Record<string, unknown> | undefined {
  try {
    return JSON.parse(new TextDecoder().decode(body)) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

function unavailable(name: string, why: string): NodeFailure {
  return new NodeFailure('credential_unavailable', `The credential ${name} got no token: ${why}.`, {
    credential: name,
  });
}
